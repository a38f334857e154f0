"""The tests run against the installed package, never against the source folder beside them."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


# Under nohup or in the background some signals are ignored, and would be by the programs that the tests start.
for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


MEMORY = Path("/dev/shm")


def pytest_configure(config: pytest.Config) -> None:
    # Outputs are flushed to the disk, and the tests would wait for it about as long as they compute.
    fits = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 4 << 30
    if fits and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

    import w2v

    if ROOT / "w2v" == Path(w2v.__file__).resolve().parent and os.environ.get("W2V_TEST_IN_PLACE") != "1":
        pytest.exit("w2v was imported from the checkout; install it (pip install '.[test]') and run `pytest`", 4)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the studies marked slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="a study of minutes; run with --slow"))


@pytest.fixture(scope="session")
def bench_data() -> Path:
    """The folder of benchmark corpora; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("W2V_BENCH_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "wiki100.txt.xz").exists():
        pytest.skip("benchmark data not here (set W2V_BENCH_DATA)")
    return folder
