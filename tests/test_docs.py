"""What the documents say of the program is what the program says of itself."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def test_option_table_and_command_reference_are_current(tmp_path):
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "make_docs.py", "--check"], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr


def test_readme_holds_the_two_commands():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    first = "pip install . && w2v train data/world.txt.gz -o vectors.bin && w2v analogy vectors.bin man king woman"
    assert f"<!-- ci: first -->\n```sh\n{first}\n```\n" in text
    assert "<!-- ci: test -->\n```sh\npip install '.[test-all]' && pytest -n 2\n```\n" in text


def test_the_library_example_in_the_readme_runs(tmp_path):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    example = re.search(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)[1]
    shutil.copytree(ROOT / "data", tmp_path / "data")
    train = 'vectors = w2v.train("data/world.txt.gz", dim=100)'
    assert train in example
    example = example.replace(train, train + '; vectors.save("vectors.bin")')
    done = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "vectors.txt.gz").exists()


@pytest.mark.parametrize("page", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]), ids=lambda path: path.name)
def test_what_a_page_links_to_is_there(page):
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / target).exists(), target


def test_pictures_are_small():
    for picture in (ROOT / "docs" / "pictures").iterdir():
        assert picture.stat().st_size < 100_000, picture.name


def test_every_file_on_the_map_exists():
    """CONTRIBUTING.md's map names files by their path; a file that moved must move there too."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    block = text.split("```text\n", 1)[1].split("```", 1)[0]
    folder: list[str] = []
    for line in block.splitlines():
        name = line.split()[0] if line.strip() else ""
        if not name or line[0] == "#":
            continue
        depth = (len(line) - len(line.lstrip())) // 2
        folder = [*folder[:depth], name]
        assert (ROOT / "/".join(part.rstrip("/") for part in folder)).exists(), line


def test_every_row_of_the_table_of_faults_names_tests_that_exist():
    text = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    tables = text.split("## How it is tried further")[0]
    rows = [line for line in tables.splitlines() if line.startswith("| ") and not line.startswith(("| case", "| ---"))]
    assert len(rows) >= 31  # ten of vector files, twelve of corpora and the token counts, eleven of runs
    named = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
    for row in rows:
        assert named.search(row.rsplit(" | ", 1)[1]), row
    found = named.findall(text)
    assert len(found) > 60
    for path, name in found:
        assert f"def {name}(" in (ROOT / "tests" / path).read_text(encoding="utf-8"), f"{path}::{name}"
