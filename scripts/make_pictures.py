"""Make the outputs and pictures of docs/seeing.md again, with the installed w2v.

    python scripts/make_pictures.py             train on the benchmark corpus, then draw
    python scripts/make_pictures.py --folder F  keep vectors.bin and run.jsonl in F; do not train if they are there

The benchmark corpus (wiki100.txt.xz, questions-words.txt) is looked for where the tests look: W2V_BENCH_DATA. Needs
w2v[plot]; the picture of the page also needs Chromium.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from make_docs import CONSOLE, run_block

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("W2V_BENCH_DATA", ROOT.parent / "shared" / "data"))
PAGE = ROOT / "docs" / "seeing.md"
PICTURES = ROOT / "docs" / "pictures"
LARGEST = 100_000  # bytes a picture
SHELL = re.compile(r"(?<=^```sh\n).*?(?=^```$)", re.DOTALL | re.MULTILINE)
# Pages whose pictures are made, and what they show.
SHOWN = {
    "page.html": ("explore.png", "#word=guitar&with=guitar&with=piano&with=football"),
    "fox.html": ("learn.png", "#5430"),
}


def train(text: str, folder: Path) -> None:
    """Run the page's command that trains, unless its files are there."""
    if (folder / "vectors.bin").exists() and (folder / "run.jsonl").exists():
        return
    for name in ("wiki100.txt.xz", "questions-words.txt"):
        if not (DATA / name).exists():
            raise SystemExit(f"{DATA / name}: not there; set W2V_BENCH_DATA to the benchmark data's folder")
        if not (folder / name).exists():
            (folder / name).symlink_to(DATA / name)
    path = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]
    subprocess.run(["bash", "-c", SHELL.search(text)[0]], cwd=folder, env={**os.environ, "PATH": path}, check=True)


def picture_of_page(page: Path, target: Path, place: str) -> None:
    """A screenshot of the page at a place of its own, its colours rounded so that the file stays small."""
    sys.path.insert(0, str(ROOT / "tests" / "seeing"))
    from browser import Browser, chromium
    from PIL import Image

    program = chromium()
    if program is None:
        print(f"no Chromium here: {target.name} stays as it was", file=sys.stderr)
        return
    browser = Browser(program, 1200, 760)
    try:
        browser.prefer("light")
        browser.open(page.as_uri() + place)
        browser.run("new Promise(done => setTimeout(done, 900))")  # the flight to the word
        browser.picture(target)
    finally:
        browser.close()
    Image.open(target).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(target, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where vectors are kept between runs")
    given = parser.parse_args().folder
    text = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as temporary:
        folder = (given or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        train(text, folder)
        for given_file in (*PICTURES.glob("*.tsv"), *PICTURES.glob("*.txt"), *(ROOT / "data").glob("world*")):
            shutil.copy(given_file, folder)
        PAGE.write_text(CONSOLE.sub(lambda block: run_block(block[0], str(folder)), text), encoding="utf-8")
        for picture in folder.glob("*.svg"):
            shutil.copy(picture, PICTURES)
        for page, (picture_name, place) in SHOWN.items():
            picture_of_page(folder / page, PICTURES / picture_name, place)
    for picture in sorted([*PICTURES.glob("*.svg"), *PICTURES.glob("*.png")]):
        size = picture.stat().st_size
        print(f"{picture.relative_to(ROOT)}\t{size}" + ("\ttoo large" if size > LARGEST else ""))


if __name__ == "__main__":
    main()
