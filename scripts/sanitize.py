"""Run the tests against a w2v that is built with a sanitizer or with bounds checks, in an environment of its own.

    python scripts/sanitize.py address               # gcc's AddressSanitizer
    python scripts/sanitize.py undefined             # gcc's UndefinedBehaviorSanitizer
    python scripts/sanitize.py bounds                # Cython's checks of every index (W2V_DEBUG=1)
    python scripts/sanitize.py address tests/corpus tests/vectors -k hostile    # what follows is for pytest

By default all tests that reach compiled code: tests/corpus, tests/kernel, tests/training, tests/vectors and
tests/test_fuzzing.py. The build is kept in build/MODE and made again when a source is newer; everything else of this
Python is used as it is.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEFAULT = ["tests/corpus", "tests/kernel", "tests/training", "tests/vectors", "tests/test_fuzzing.py"]
MODES = {
    "address": {"W2V_SANITIZE": "address"},
    "undefined": {"W2V_SANITIZE": "undefined"},
    "bounds": {"W2V_DEBUG": "1"},
}
LIBRARIES = {"address": ["libasan.so", "libstdc++.so"], "undefined": ["libubsan.so", "libstdc++.so"], "bounds": []}
# Tests of how much memory or work is taken: a sanitizer takes its own.
NOT_HERE = " and ".join(
    f"not {name}"
    for name in (
        "optimised",
        "memory",
        "64_mib",
        "2_31",
        "huge_token",
        "four_bytes_a_token",
        "megabytes",
        "share_a_page",
    )
)


def sources() -> list[Path]:
    made = (".c", ".so", ".pyc")
    return [ROOT / "setup.py", *(p for p in (ROOT / "w2v").rglob("*") if p.is_file() and p.suffix not in made)]


def build(mode: str, folder: Path) -> None:
    """w2v into folder/site, unless it is there and no source is newer."""
    stamp = folder / "built"
    if stamp.exists() and stamp.stat().st_mtime > max(path.stat().st_mtime for path in sources()):
        return
    print(f"building into {folder}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as copy:  # not the checkout: its build folder holds modules of another kind
        for name in ("w2v", "setup.py", "pyproject.toml", "README.md", "LICENSE"):
            (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, Path(copy) / name)
        install = ["install", "-q", "--no-deps", "--no-build-isolation", "--target", folder / "site", copy]
        subprocess.run([sys.executable, "-m", "pip", *install], check=True, env={**os.environ, **MODES[mode]})
    stamp.touch()


def environment_of(mode: str, folder: Path) -> dict[str, str]:
    """What makes the tests import that build."""
    found = [
        subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True).stdout.strip()
        for name in LIBRARIES[mode]
    ]
    return {
        **os.environ,
        "PYTHONPATH": str(folder / "site"),
        "LD_PRELOAD": " ".join(found),
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:abort_on_error=1",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1:abort_on_error=1",
        "PYTHONMALLOC": "malloc",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("--work", type=Path, help="where the build is kept [build/MODE]")
    options, rest = parser.parse_known_args()
    folder = (options.work or ROOT / "build" / options.mode).resolve()
    build(options.mode, folder)
    given = rest or [*DEFAULT, "-k", NOT_HERE]
    python = [sys.executable, *(["-P"] if sys.version_info >= (3, 11) else [])]
    done = subprocess.run(
        [*python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *given],
        cwd=ROOT,
        env=environment_of(options.mode, folder),
    )
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
