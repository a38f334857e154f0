"""scripts/release.py: what a release is made of, and what it refuses."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

import w2v

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def release() -> ModuleType:
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        import release
    finally:
        sys.path.pop(0)
    return release


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "w2v").mkdir()
    (tmp_path / "w2v/__init__.py").write_text('"""w2v"""\n\n__version__ = "0.1.0"\n')
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changes\n\n## 0.3.0 (unreleased)\n\n## 0.2.0 (unreleased)\n\n- more\n\n## 0.1.0 (2026-01-02)\n\n- first\n"
    )
    return tmp_path


def test_the_version_of_this_tree_is_in_its_changelog(release):
    assert release.section(ROOT, w2v.__version__)[1]


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("0.4.0", r"no section of 0.4.0; write one below a line '## 0.4.0 \(unreleased\)'"),
        ("0.3.0", "the section of 0.3.0 is empty"),
        ("0.2", "not a version"),
    ],
)
def test_a_version_that_the_changelog_does_not_tell_of_is_refused(release, tree, version, message):
    before = {path: path.read_text() for path in tree.rglob("*.*")}
    with pytest.raises(release.Refused, match=message):
        release.write_version(tree, version, "2026-11-28")
    assert {path: path.read_text() for path in tree.rglob("*.*")} == before


def test_version_and_day_are_written_where_they_belong(release, tree):
    release.write_version(tree, "0.2.0", "2026-11-28")
    assert '__version__ = "0.2.0"\n' in (tree / "w2v/__init__.py").read_text()
    assert re.findall("^## .*", (tree / "CHANGELOG.md").read_text(), re.MULTILINE) == [
        "## 0.3.0 (unreleased)", "## 0.2.0 (2026-11-28)", "## 0.1.0 (2026-01-02)",
    ]  # fmt: skip


def test_the_command_refuses_in_one_line():
    command = [sys.executable, ROOT / "scripts/release.py", "99.0.0", "--only-check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("release: CHANGELOG.md: no section of 99.0.0")
    assert done.stderr.count("\n") == 1


def test_the_sbom_lists_files_needs_and_tools(release, tmp_path):
    wheel = tmp_path / "w2v-0.2.0-cp311-abi3-manylinux_2_17_x86_64.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(
            "w2v-0.2.0.dist-info/METADATA",
            "Name: w2v\nRequires-Dist: numpy>=1.23\nRequires-Dist: ray>=2.52; extra == 'cluster'\n"
            "Requires-Dist: Cython==3.3.1; extra == 'release'\nRequires-Dist: ray>=2.52; extra == 'test'\n"
            "Requires-Dist: pytest; extra == 'test'\n",
        )
    made = release.sbom("0.2.0", [wheel], "2026-11-28T00:00:00+00:00")
    assert {each["name"]: each["scope"] for each in made["components"]} == {
        "numpy": "required", "ray": "optional", "Cython": "excluded",
    }  # fmt: skip
    assert made["components"][-1]["purl"] == "pkg:pypi/cython@3.3.1"
    assert made["dependencies"] == [{"ref": "pkg:pypi/w2v@0.2.0", "dependsOn": ["pkg:pypi/numpy", "pkg:pypi/ray"]}]
    (file,) = made["metadata"]["component"]["components"]
    assert file["hashes"] == [{"alg": "SHA-256", "content": release.sha256(wheel)}]
    assert json.dumps(made) == json.dumps(release.sbom("0.2.0", [wheel], "2026-11-28T00:00:00+00:00"))
