"""What commands print, to the letter: every line of transcript.txt that begins with `$ ` is run, and with `# ` on a
terminal of 80 columns; below it is what it printed, on both streams, and its exit code where that is not 0.

    python -P tests/cli/test_transcript.py        # after a change that was meant: look at `git diff` then
"""

from __future__ import annotations

import difflib
import gc
import io
import os
import pty
import random
import re
import shlex
import struct
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from w2v.cli.main import run

TRANSCRIPT = Path(__file__).parent / "transcript.txt"
PEOPLE = {"king": (1, 1, 0), "queen": (1, -1, 0), "prince": (1, 1, 1), "princess": (1, -1, 1), "man": (-1, 1, 0),
          "woman": (-1, -1, 0), "boy": (-1, 1, 1), "girl": (-1, -1, 1)}  # fmt: skip
PLACES = {"서울": "한국", "paris": "france", "القاهرة": "مصر", "東京": "日本", "new-york": "america"}


def text(lines: int) -> str:
    draw = random.Random(1)
    said = ("said", "went to", "lived in", "has never seen", "came from")
    return "".join(
        f"the {draw.choice(list(PEOPLE))} {draw.choice(said)} {place} in {PLACES[place]}\n"
        for place in draw.choices(list(PLACES), k=lines)
    )


def vectors() -> str:
    draw = random.Random(2)
    rows = {word: [*kind, draw.randrange(-9, 10) / 16, draw.randrange(-9, 10) / 16] for word, kind in PEOPLE.items()}
    for number, (city, land) in enumerate(PLACES.items()):
        place = [(-1) ** number, number / 2, -3 + number, 2.5, draw.randrange(-9, 10) / 8]
        rows |= {city: place, land: [*place[:3], -2.5, place[4]]}
    rows |= {"king#0": [1, 1, 0.5, 0, 0], "king#1": [0, 1, -0.5, 2, 0], "a\u0301b": [0, 0, 0, 1, 0]}
    return f"{len(rows)} 5\n" + "".join(f"{word} {' '.join(map('{:g}'.format, row))}\n" for word, row in rows.items())


def model() -> bytes:
    """A model of fastText's: its n-grams of two characters are in 16 buckets; with counts and context vectors."""
    draw = random.Random(3)
    words, buckets, dim = list(PEOPLE), 16, 3
    start = struct.pack("<14id", 793712314, 12, dim, 5, 5, 1, 5, 1, 2, 2, buckets, 2, 2, 100, 1e-4)
    start += struct.pack("<3i2q", len(words), len(words), 0, 80, -1)
    start += b"".join(word.encode() + b"\0" + struct.pack("<qb", 20 - row, 0) for row, word in enumerate(words))
    for rows in (len(words) + buckets, len(words)):
        numbers = [draw.randrange(-20, 21) / 8 for _ in range(rows * dim)]
        start += struct.pack(f"<b2q{rows * dim}f", 0, rows, dim, *numbers)
    return start


def make_files() -> None:
    """In the current folder."""
    files = {
        "corpus.txt": text(80),
        "v.txt": vectors(),
        "other.txt": "4 5\nking 1 0 0 0 1\nqueen 0 1 0 0 1\nman 0 0 1 0 1\nzebra 1 1 1 1 1\n",
        "plane.txt": "3 2\nking 1 0\nqueen 0 1\nman 1 1\n",
        "questions.txt": ": family\nking queen man woman\nboy girl prince princess\nking queen boy nobody\n"
        ": capitals\nparis france 東京 日本\n서울 한국 paris france\n",
        "pairs.tsv": "king\tqueen\t9\nking\tprince\t8\nking\tparis\t1\nman\tboy\t7.5\nman\t東京\t0\nnobody\tking\t3\n",
        "names.tsv": "king\tHis Majesty\nqueen\tHer Majesty\n",
        "groups.tsv": "king\tmen\nman\tmen\nqueen\twomen\n",
        "words.txt": "king\nqueen - woman + man\nnobody\n\nparis\n",
        "lines.txt": "the king said\nparis france\n\nnothing known\nqueen queen woman\n",
        "events.csv": "user,item,time,count\nu1,a,1,2\nu1,b,5,1\nu2,a,3,1\nu1,c,4000,1\nu2,c,9,3\nu3,a,1,1\n",
        "sessions.txt": "king queen man woman\nboy girl prince\nparis france 東京 日本 서울\nking prince\n",
        "-": "PAR1",
        "empty.txt": "\n",
        "sparse.txt": "a 1:0.5 3:0.25\nb 2:0.5\n",
        "classes.txt": "the 12\nof 7\n",
        "page.txt": "<!DOCTYPE html>\n<html><body>moved</body></html>\n",
        "bare.txt": "0.5 0.25 1.5\n1.5 2.5 0.5\n",
        "judged.tsv": "king\tqueen\t8.5\t7\nking\tparis\t1\t3\nman\twoman\t6\t4\n",
        "known.tsv": "word1\tword2\tsimilarity\tspread\nking\tqueen\t9\t0.5\nking\tparis\t1\t0.25\nman\tboy\t7\t1.5\n",
        "bad.txt": "4 2\na 1 2\nb 3\nc nan 1\na 5 6\n",
        "dirty.txt": "the cat\0\r\nthe\tdog\r\n" + "x" * 300 + " caf\udce9\r\n\r\nthe cat",
    }
    for name, content in files.items():
        Path(name).write_bytes(content.encode("utf-8", "surrogateescape"))
    Path("m.ftbin").write_bytes(model())
    run(["convert", "v.txt", "v.bin", "-q"])
    Path("cut.bin").write_bytes(Path("v.bin").read_bytes()[:-30])


def printed(line: str, terminal: bool) -> str:
    """What a command prints on both streams, and its exit code."""
    args = shlex.split(line)
    assert args.pop(0) == "w2v"
    source = os.devnull
    if "<" in args:
        at = args.index("<")
        source, args = args[at + 1], args[:at]
    before = len(os.listdir("/dev/fd"))
    near, far = pty.openpty() if terminal else os.pipe()
    seen = io.BytesIO()

    def take() -> None:
        try:
            while data := os.read(near, 1 << 16):
                seen.write(data)
        except OSError:  # the terminal's other end is closed
            pass

    reader = threading.Thread(target=take)
    reader.start()
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(stream) for stream in range(3)]
    given = os.open(source, os.O_RDONLY)
    try:
        for stream, new in enumerate((given, far, far)):
            os.dup2(new, stream)
        os.close(far)
        with open(0, closefd=False) as stdin, pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdin", stdin)
            for number, name in ((1, "stdout"), (2, "stderr")):  # unbuffered: both go to one place, in their order
                stream = io.TextIOWrapper(
                    io.FileIO(number, "w", closefd=False), "utf-8", "backslashreplace", write_through=True
                )
                patch.setattr(sys, name, stream)
            code = run(args)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        for stream, old in enumerate(kept):
            os.dup2(old, stream)
            os.close(old)
        os.close(given)
    reader.join()
    os.close(near)
    found = seen.getvalue().decode("utf-8", "backslashreplace").replace("\r\n", "\n").replace("\x1b", "␛")
    gc.collect()
    left = len(os.listdir("/dev/fd")) - before
    found = found.replace(os.path.realpath("."), "FOLDER")
    found = re.sub("[^\n]*\r", "", found)  # bars of progress, in whose place something else is written
    found = re.sub(r"\b(in) +[\d.]+ s\b", r"\1 ... s", found)
    if found and not found.endswith("\n"):
        found += "⏎\n"
    return found + (f"[exit {code}]\n" if code else "") + (f"[{left} files left open]\n" if left else "")


def transcript(given: str) -> str:
    """The transcript's lines with commands, run again in a fresh folder."""
    lines = [line for line in given.splitlines() if line.startswith(("$ ", "# "))]
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("W2V_", "NO_COLOR", "COLORTERM", "CLICOLOR"))]:
            patch.delenv(name)
        for name, value in {"COLUMNS": "80", "LINES": "40", "TERM": "xterm-256color"}.items():
            patch.setenv(name, value)
        os.chdir(folder)
        gc.collect()
        gc.freeze()  # each command's gc.collect() looks at its own objects alone
        try:
            make_files()
            return "".join(f"{line}\n{printed(line[2:], line[0] == '#')}" for line in lines)
        finally:
            gc.unfreeze()
            os.chdir(here)


def test_commands_print_what_they_printed(capfd):
    expected = TRANSCRIPT.read_text(encoding="utf-8")
    with capfd.disabled():
        found = transcript(expected)
    lines = difflib.unified_diff(expected.splitlines(), found.splitlines(), n=1, lineterm="")
    assert "\n".join(lines) == ""


if __name__ == "__main__":
    TRANSCRIPT.write_text(transcript(TRANSCRIPT.read_text(encoding="utf-8")), encoding="utf-8")
