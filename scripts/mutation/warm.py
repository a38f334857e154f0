"""A process that has imported what the tests import, all but w2v; each run of pytest is a fork of it.

It is asked in lines of JSON on standard input and answers in lines of JSON. `Watcher` is pytest's side.
"""

from __future__ import annotations

import faulthandler
import gc
import importlib
import json
import os
import resource
import signal
import sys
import time
from typing import Any

import pytest

OTHERS = ("numpy", "scipy.stats", "hypothesis", "click", "tqdm", "zstandard", "matplotlib.figure", "gensim.models")
SLOW_S = 1.5  # a test that takes longer runs after all that do not
HUNG_S = 60  # a test that takes so much longer than it did hangs
ASKS = os.getppid()
MEMORY = 6 << 30  # bytes for a mutant that asks for ever more


class Watcher:
    """Which of the tests run; how each ended, and in how many seconds, a line in the report for each."""

    def __init__(self, asked: dict[str, Any]):
        self.only, self.slow, self.skipped = asked["only"], asked["slow"], set(asked["skipped"])
        self.times: dict[str, float] = asked["times"]
        self.end = asked["seconds"]
        self.report = open(asked["report"], "w", buffering=1)  # noqa: SIM115

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self.session = session

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        kept = [item for item in items if self.runs(item.nodeid)]
        config.hook.pytest_deselected(items=[item for item in items if not self.runs(item.nodeid)])
        items[:] = kept

    def runs(self, test: str) -> bool:
        if self.only:
            return test == self.only
        return test not in self.skipped and (self.times.get(test, 0.0) > SLOW_S) == self.slow

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.seconds, self.outcome = 0.0, "passed"
        self.report.write(json.dumps([nodeid, 0.0, "started"]) + "\n")
        limit_s = HUNG_S + 20 * self.times.get(nodeid, 1.0)
        faulthandler.dump_traceback_later(limit_s, exit=True)  # even within C

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds += report.duration
        self.outcome = self.outcome if report.outcome == "passed" else report.outcome

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        faulthandler.cancel_dump_traceback_later()
        self.report.write(json.dumps([nodeid, round(self.seconds, 3), self.outcome]) + "\n")
        if sum(os.times()[:4]) > self.end:
            self.session.shouldstop = "that is enough"


def run(asked: dict[str, Any]) -> None:
    """In the fork: pytest, whose exit code is that of the process."""
    os.setsid()
    log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    options = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:faulthandler"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # of the plugins that are imported already
    code = pytest.main([*options, *asked["files"]], plugins=[Watcher(asked)])
    sys.stdout.flush()
    os._exit(int(code))


def ended(pid: int, timeout_s: float) -> tuple[int | None, float]:
    """Its exit code, and seconds of the processor; None for the code at the time limit or when nobody asks any more.

    Nothing that it has started is left.
    """
    before = os.times()
    end, code = time.monotonic() + timeout_s, None
    while code is None and time.monotonic() < end and os.getppid() == ASKS:
        done, status = os.waitpid(pid, os.WNOHANG)
        code = os.waitstatus_to_exitcode(status) if done else None
        time.sleep(0 if done else 0.01)
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    if code is None:
        os.waitpid(pid, 0)
    after = os.times()
    return code, after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    for name in OTHERS:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
    gc.collect()
    gc.freeze()  # else each gc.collect() of a test goes through all of it
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if not pid:
            run(asked)
        print(json.dumps(ended(pid, 600 + 10 * asked["seconds"])), flush=True)


if __name__ == "__main__":
    main()
