#!/usr/bin/env python3
"""Make the sample corpus: plain English sentences about a small world, and analogy questions about it.

The same seed gives the same text on every machine. Needs nothing beyond Python's standard library.
"""

from __future__ import annotations

import argparse
import collections
import gzip
import hashlib
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from world.corpus import write_sentences
from world.questions import write_questions

TOKENS = 1_750_000


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Make a corpus of plain English sentences about a small world, lower case, one sentence a line.",
        epilog="example: make_world.py --seed 1 -o data/world.txt.gz --questions data/world-questions.txt",
    )
    parser.add_argument("--seed", type=int, default=1, help="same seed, same text (default: %(default)s)")
    parser.add_argument(
        "--tokens", type=int, default=TOKENS, metavar="N", help="at least N words (default: %(default)s)"
    )
    parser.add_argument(
        "-o",
        "--output",
        default="-",
        metavar="FILE",
        help="where the text goes; a name in .gz is compressed; - is standard output (default)",
    )
    parser.add_argument("--questions", metavar="FILE", help="also write analogy questions about the world")
    parser.add_argument("-q", "--quiet", action="store_true", help="no summary on standard error")
    options = parser.parse_args(arguments)
    if options.tokens < 1:
        parser.error(f"--tokens: {options.tokens} is less than 1")
    return options


def write_whole(path: str, content: bytes) -> None:
    """Write beside the file and move into place, so that nobody finds half of it."""
    part = f"{path}.part"
    try:
        with open(part, "wb") as out:
            out.write(content)
        os.replace(part, path)
    finally:
        Path(part).unlink(missing_ok=True)


def write_text(path: str, text: bytes) -> None:
    if path == "-":
        # opened anew: under PYTHONUNBUFFERED, sys.stdout.buffer may write only a part of the text
        with open(sys.stdout.fileno(), "wb", closefd=False) as out:
            out.write(text)
    else:  # mtime 0 and no name: the same bytes from the same zlib
        write_whole(path, gzip.compress(text, compresslevel=9, mtime=0) if path.endswith(".gz") else text)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    counts: collections.Counter[str] = collections.Counter()
    lines = []
    for sentence in write_sentences(options.seed, options.tokens):
        counts.update(sentence.split())
        lines.append(sentence)
    text = ("\n".join(lines) + "\n").encode("ascii")
    try:
        write_text(options.output, text)
        if options.questions:
            questions = "\n".join(write_questions(counts, options.seed)) + "\n"
            write_whole(options.questions, questions.encode("ascii"))
    except BrokenPipeError:
        return 141
    except OSError as error:
        print(f"make_world: {error.filename or options.output}: {error.strerror}", file=sys.stderr)
        return 1
    if not options.quiet:
        often = sum(count >= 5 for count in counts.values())
        print(
            f"{len(lines):,} sentences, {sum(counts.values()):,} words, {len(counts):,} types "
            f"({often:,} at least 5 times), sha256 {hashlib.sha256(text).hexdigest()}",
            file=sys.stderr,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
