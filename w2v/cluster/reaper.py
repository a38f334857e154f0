"""Ends the processes of a Ray that w2v has started and removes its folder: a program beside the run that outlives it.

So nothing is left also where the run is killed, or where Ray ends it: it does so without a word when its store is gone.
Its argument is the folder; on standard input come the sessions that Ray's processes lead, a number a line. When that
ends the run is over. It imports nothing but the standard library: it starts in some hundredths of a second.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress


def main() -> None:
    sessions: set[int] = set()
    for line in sys.stdin:
        sessions.add(int(line))

    def processes() -> Iterator[int]:
        yield from sessions  # their leaders first: these start the others
        if sessions:
            yield from (int(name) for name in os.listdir("/proc") if name.isdigit())

    for pid in processes():
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) in sessions:
                os.kill(pid, signal.SIGKILL)
    shutil.rmtree(sys.argv[1], ignore_errors=True)


if __name__ == "__main__":
    main()
