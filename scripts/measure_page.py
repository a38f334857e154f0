"""How smoothly the page of `w2v explore` moves, and how large it is, in a real headless Chromium.

    python scripts/measure_page.py vectors.bin [--top 20000] [--layout neighbours]

Makes the page, opens it, moves its map in every frame for three seconds (arrow keys, then the zoom keys) and prints a
row a measurement: what, value, unit. Headless Chromium draws without a graphics card here and shows 60 frames a second
at most.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import w2v
from w2v.seeing.explore import make_page

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "seeing"))
from browser import Browser, chromium

# Moves the map once a frame; gives the times of the frames.
MOVE = """
new Promise(done => {
  const map = document.getElementById("map"), times = [], keys = %s;
  const step = now => {
    times.push(now);
    if (now - times[0] > 3000) return done(times);
    map.dispatchEvent(new KeyboardEvent("keydown", { key: keys[times.length >> 3 & 1], bubbles: true }));
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})
"""


def measure(browser: Browser, keys: str) -> tuple[float, float]:
    """Frames a second, and the 95th percentile of the time between two frames in milliseconds."""
    times = browser.run(MOVE % keys)
    gaps = sorted(b - a for a, b in pairwise(times))
    return 1000 * len(gaps) / (times[-1] - times[0]), gaps[int(len(gaps) * 0.95)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vectors")
    parser.add_argument("--top", type=int, default=20_000)
    parser.add_argument("--layout", default="neighbours")
    given = parser.parse_args()
    program = chromium()
    if program is None:
        raise SystemExit("no Chromium here (apt-get install chromium, or set W2V_CHROMIUM)")
    made = make_page(w2v.load(given.vectors, limit=given.top), "measured", given.layout)
    print(f"words\t{made.words}\t\ndimensions\t{made.dim}\t\nsize\t{len(made.html) / 1e6:.2f}\tMB")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_bytes(made.html)
        browser = Browser(program, 1280, 800)
        try:
            started = time.monotonic()
            browser.open(page.as_uri())
            print(f"opened and drawn\t{time.monotonic() - started:.2f}\ts")
            for what, keys in (("pan", '["ArrowLeft", "ArrowRight"]'), ("zoom", '["+", "-"]')):
                rate, slow = measure(browser, keys)
                print(f"{what}\t{rate:.1f}\tframes/s\n{what}, 95 % of frames within\t{slow:.1f}\tms")
            for error in browser.errors:
                print(f"error\t{error}\t")
        finally:
            browser.close()


if __name__ == "__main__":
    main()
