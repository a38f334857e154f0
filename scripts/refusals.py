"""Print the most memory that refusing each hostile vector file takes, as a table for docs/faults.md.

    python scripts/refusals.py

The files are those of tests/vectors/hostile.py; each is read in a process of its own. Exit code 1 when one is not
refused, or takes more than four times the file and 64 MiB.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "vectors"))

from hostile import peaks


def main() -> None:
    bad = False
    print("| file | its size, MB | memory above the interpreter's, MB | may take, MB |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for name, code, size, taken in peaks(Path(folder)):
            most = 4 * size + (64 << 20)
            bad |= code != 1 or taken > most
            print(f"| {name} | {size / 1e6:.1f} | {taken / 1e6:.1f} | {most / 1e6:.0f} |")
    sys.exit(bad)


if __name__ == "__main__":
    main()
