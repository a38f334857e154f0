"""Mutation testing: break w2v in one small way at a time, and see whether a test notices.

    python scripts/mutate.py run --sample 200        # a seeded random sample; goes on where it was stopped
    python scripts/mutate.py run --sample 200 --only 'w2v/vectors/*'    # those of the sample that are there
    python scripts/mutate.py refresh                 # take over the checkout as it is now,
    python scripts/mutate.py run --again             # and try the survivors once more, after new tests
    python scripts/mutate.py show                    # the score and the survivors
    python scripts/mutate.py equivalent ID 'why no test can tell'

Works in a copy of this checkout, in an environment of its own, both in build/mutate; results.jsonl there holds every
mutant that was tried. A mutant of Python is written over the installed file; one of Cython or C is compiled first. What
runs are the test files nearest to the mutated one (mutation/near.py), quick tests before slow ones, for about a minute;
with the first test that fails the mutant is killed, and that test has to pass without the mutant (one that hangs has to
hang twice). A survivor is to be looked at: a test that time was short for may notice it (`--again --seconds 600`, or
`--tests FILE --again`), or none can. The operators are in scripts/mutation.
"""

from __future__ import annotations

import argparse
import fnmatch
import hashlib
import json
import os
import shutil
import site
import subprocess
import sys
import time
import venv
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mutation import warm
from mutation.compiled import compiled_sites
from mutation.near import Near
from mutation.python import python_sites

if TYPE_CHECKING:
    from mutation.sites import Site

ROOT = Path(__file__).resolve().parent.parent
TOGETHER_S = 10  # seconds of tests that one process runs
UNKNOWN_S = 5.0  # for a test file that has not run yet
OUT_OF_TIME, NOTHING_RAN = 2, 5  # exit codes of pytest
NOTICED = {"killed", "timeout", "crashed"}


class Workshop:
    """The copy, its environment, and the results."""

    def __init__(self, work: Path, seconds: float = 60.0):
        self.work, self.tree, self.python = work, work / "tree", work / "venv" / "bin" / "python"
        self.results, self.known = work / "results.jsonl", work / "tests.json"
        self.seconds = seconds  # of the processor, for one mutant
        self.spent = 0.0
        self.cut_short = False  # tests were left out, for want of time
        if not self.tree.exists():
            self.make_environment()
            self.refresh()
        self.package = next((work / "venv").glob("lib/python*/site-packages")) / "w2v"
        self.good = {"tree": self.tree, "package": self.package}  # what is kept in work/good, and where it belongs
        self.restore()
        kept = json.loads(self.known.read_text()) if self.known.exists() else {}
        self.times: dict[str, float] = kept.get("times", {})  # of tests that passed, with a mutant or without
        self.sound: list[str] = kept.get("sound", [])  # pass without a mutant
        self.unreliable: list[str] = kept.get("unreliable", [])  # do not

    # --- the copy ---

    def make_environment(self) -> None:
        """A virtual environment that also sees what this one has installed."""
        venv.create(self.work / "venv", symlinks=True)
        packages = next((self.work / "venv").glob("lib/python*/site-packages"))
        seen = [path for path in sys.path if path.endswith("-packages")] or site.getsitepackages()
        (packages / "outer.pth").write_text("\n".join(seen) + "\n")

    def refresh(self) -> None:
        """Take over what git knows of this checkout, as it is on disk, and install it; forget which tests pass."""
        if self.known.exists():
            self.known.write_text(json.dumps({"times": json.loads(self.known.read_text())["times"]}))
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
        names = set(listed.stdout.splitlines())
        for old in self.tree.rglob("*"):  # what was renamed since; what was compiled stays
            name = str(old.relative_to(self.tree))
            made = name.startswith("build/") or old.suffix in {".c", ".so"}
            if old.is_file() and not made and name not in names:
                old.unlink()
        for name in names:
            if (ROOT / name).exists() and not same(ROOT / name, self.tree / name):
                (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.tree / name)
        pip = [self.python, "-m", "pip", "install", "-q", "--no-build-isolation", "--no-deps", "--force-reinstall", "."]
        subprocess.run(pip, cwd=self.tree, check=True, env=self.environment)
        shutil.rmtree(self.work / "good", ignore_errors=True)
        package = next((self.work / "venv").glob("lib/python*/site-packages")) / "w2v"
        shutil.copytree(package, self.work / "good" / "package", ignore=shutil.ignore_patterns("*.pyc"))
        for part in ("w2v", "build"):
            shutil.copytree(self.tree / part, self.work / "good" / "tree" / part)

    def restore(self) -> None:
        """Everything as it was without a mutant, what was compiled too."""
        for part, place in self.good.items():
            for kept in (self.work / "good" / part).rglob("*"):
                target = place / kept.relative_to(self.work / "good" / part)
                if kept.is_file() and not same(kept, target):
                    target.unlink(missing_ok=True)
                    shutil.copy2(kept, target)

    def put(self, name: str, content: bytes) -> bool:
        """Make this file's content the installed one; False where it does not compile."""
        (self.tree / name).write_bytes(content)
        if name.endswith(".py"):
            try:
                compile(content, name, "exec")
            except (SyntaxError, ValueError):
                return False
            target = self.package.parent / name
            target.write_bytes(content)
            for old in (target.parent / "__pycache__").glob(f"{target.stem}.*.pyc"):
                old.unlink()
            return True
        command = [self.python, "setup.py", "-q", "build_ext"]
        done = subprocess.run(command, cwd=self.tree, env=self.environment, capture_output=True)
        for made in self.tree.glob("build/lib*/**/*.so"):
            inside = made.relative_to(self.tree / "build").parts[1:]
            if not same(made, self.work / "good" / "tree" / made.relative_to(self.tree)):
                installed = self.package.parent.joinpath(*inside)
                installed.unlink()
                shutil.copy(made, installed)
        return done.returncode == 0

    @cached_property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "W2V_"))}
        cached = {"CC": "ccache gcc"} if shutil.which("ccache") else {}
        path = f"{self.python.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        more = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "OPENBLAS_NUM_THREADS": "1"}
        return {**kept, **cached, "PATH": path, **more}

    # --- tests ---

    @cached_property
    def near(self) -> Near:
        return Near(self.tree)

    @cached_property
    def warm(self) -> subprocess.Popen[str]:
        command = [self.python, "-P", warm.__file__]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, cwd=self.tree, env=self.environment, **pipes)

    def pytest(
        self, files: list[str], seconds: float, slow: bool = False, only: str = ""
    ) -> tuple[int | None, list[list]]:
        """(exit code, None at the time limit; [test, seconds, outcome] for each that ran); self.spent grows."""
        report = self.work / "report.jsonl"
        times = {test: took for test, took in self.times.items() if test.partition("::")[0] in files}
        asked = {"files": files, "only": only, "slow": slow, "times": times, "skipped": self.unreliable,
                 "report": str(report), "log": str(self.work / "pytest.log"), "seconds": seconds}  # fmt: skip
        self.warm.stdin.write(json.dumps(asked) + "\n")
        self.warm.stdin.flush()
        code, spent = json.loads(self.warm.stdout.readline())
        self.spent += spent
        ended = {}
        for line in report.read_text().splitlines() if report.exists() else []:
            result = json.loads(line)
            ended[result[0]] = result
        report.unlink(missing_ok=True)
        for test, took, outcome in ended.values():
            if outcome in {"passed", "skipped"}:
                self.times[test] = min(took, self.times.get(test, took))  # the machine may be busy
        self.keep_known()
        return code, list(ended.values())

    def noticed(self, files: list[str], seconds: float, slow: bool = False) -> tuple[str, str] | None:
        """How these test files notice what is installed now: (outcome, test), or None."""
        found = self.noticed_once(files, seconds, slow)
        if found and found[0] == "timeout":  # the machine may have been busy: it has to hang twice
            found = self.noticed_once(files, seconds, slow)
        return found

    def noticed_once(self, files: list[str], seconds: float, slow: bool) -> tuple[str, str] | None:
        code, ended = self.pytest(files, seconds, slow)
        failed = [test for test, _, outcome in ended if outcome == "failed"]
        if failed:
            return "killed", failed[0]
        hung = [test for test, _, outcome in ended if outcome == "started"]
        if code in {0, NOTHING_RAN}:
            return None
        if code == OUT_OF_TIME and ended and not hung:
            self.cut_short = True
            return None
        if not hung:  # cannot be imported, say
            return ("timeout" if code is None else "killed"), files[0]
        return "crashed" if code is not None and code < 0 else "timeout", hung[0]

    # --- one mutant ---

    def try_out(self, mutant: Site, first: list[str]) -> dict[str, object]:
        started = time.monotonic()
        while True:
            try:
                if not self.put(mutant.path, mutant.apply((self.tree / mutant.path).read_bytes())):
                    return {"outcome": "invalid"}
                self.cut_short = False
                outcome, test = self.judge(mutant, first)
            finally:
                self.restore()
            if outcome in NOTICED and not self.passes(test):
                self.unreliable.append(test)
                self.keep_known()
                continue
            seconds = round(time.monotonic() - started, 1)
            cut = outcome == "survived" and self.cut_short
            return {"outcome": outcome, "test": test, "seconds": seconds, "cut_short": cut}

    def passes(self, test: str) -> bool:
        """Whether a test, or the reading of a test file, passes without a mutant."""
        file, one, _ = test.partition("::")
        if test in self.sound:
            return True
        code, _ = self.pytest([file], 600, only=test)
        if not one and code != NOTHING_RAN:
            sys.exit(f"{file} cannot be run: {self.work / 'pytest.log'} says why")
        if code == 0 or not one:
            self.sound.append(test)
        return code == 0 or not one

    def keep_known(self) -> None:
        known = {"times": self.times, "sound": self.sound, "unreliable": self.unreliable}
        self.known.write_text(json.dumps(known))

    def judge(self, mutant: Site, first: list[str]) -> tuple[str, str]:
        """(outcome, the test that noticed)."""
        for file in first:
            found = self.noticed([file], 600) or self.noticed([file], 600, slow=True)
            if found:
                return found
        self.spent = 0.0
        files = self.near.files(mutant.path, mutant.function, self.file_times())
        for slow in (False, True):
            for together in self.groups(files, slow):
                left = self.seconds - self.spent
                if left <= 0:
                    self.cut_short = True
                    return "survived", ""
                found = self.noticed(together, left, slow)
                if found:
                    return found
        return "survived", ""

    def groups(self, files: list[str], slow: bool) -> list[list[str]]:
        """Test files whose quick, or slow, tests take some seconds together."""
        times = self.file_times(slow)
        groups: list[list[str]] = []
        total = float("inf")
        for file in files:
            takes = times.get(file, 0.0 if slow else UNKNOWN_S)
            if takes or not slow:
                if total + takes > TOGETHER_S:
                    groups.append([])
                    total = 0.0
                groups[-1].append(file)
                total += takes
        return groups

    def file_times(self, slow: bool = False) -> dict[str, float]:
        """Test file -> seconds that its quick, or slow, tests take."""
        found: dict[str, float] = {}
        for test, seconds in self.times.items():
            file = test.partition("::")[0]
            found[file] = found.get(file, 0.0) + seconds * ((seconds > warm.SLOW_S) == slow)
        return found

    # --- many ---

    def sites(self) -> list[Site]:
        found: list[Site] = []
        for path in sorted((self.tree / "w2v").rglob("*")):
            name = str(path.relative_to(self.tree))
            if path.suffix == ".py":
                found += python_sites(name, path.read_bytes())
            elif path.suffix in {".pyx", ".pxi", ".h"}:
                found += compiled_sites(name, path.read_bytes())
        return found

    def tried(self) -> dict[str, dict]:
        """Mutant -> its last result."""
        found: dict[str, dict] = {}
        if self.results.exists():
            for line in self.results.read_text().splitlines():
                result = json.loads(line)
                found[result["id"]] = {**found.get(result["id"], {}), **result}
        return found

    def keep(self, result: dict[str, object]) -> None:
        with open(self.results, "a") as file:
            file.write(json.dumps(result) + "\n")


def same(one: Path, other: Path) -> bool:
    """By size and time, as `make` sees it."""
    try:
        a, b = one.stat(), other.stat()
    except FileNotFoundError:
        return False
    return (a.st_size, a.st_mtime_ns) == (b.st_size, b.st_mtime_ns)


def run(workshop: Workshop, options: argparse.Namespace) -> None:
    tried = workshop.tried()
    sites = workshop.sites()
    drawn = sorted(sites, key=lambda each: hashlib.sha256(f"{options.seed} {each.id}".encode()).digest())
    if options.again:
        wanted = [each for each in drawn if tried.get(each.id, {}).get("outcome") == "survived"]
        wanted = [each for each in wanted if not tried[each.id].get("equivalent")]
    else:
        wanted = [each for each in drawn[: options.sample] if each.id not in tried]  # the same ones after small changes
    if options.only:
        wanted = [each for each in wanted if any(fnmatch.fnmatch(each.path, glob) for glob in options.only)]
    print(f"{len(sites):,} places to break; {len(wanted)} to try", flush=True)
    for number, mutant in enumerate(wanted, 1):  # as they are drawn: what is done when it is stopped is a fair sample
        result = workshop.try_out(mutant, options.tests)
        workshop.keep({"id": mutant.id, "mutant": str(mutant), "line": mutant.shown, **result})
        print(f"{number}/{len(wanted)} {mutant.id} {result['outcome']:9}{mutant}", flush=True)
    show(workshop)


def show(workshop: Workshop) -> None:
    tried = workshop.tried().values()
    judged = [each for each in tried if each["outcome"] in {*NOTICED, "survived"}]
    left = [each for each in judged if each["outcome"] == "survived" and not each.get("equivalent")]
    same = sum(bool(each.get("equivalent")) for each in judged if each["outcome"] == "survived")
    for each in left:
        unsure = "  (not all of its tests ran: --again --seconds 600)" if each.get("cut_short") else ""
        print(f"{each['id']} {each['mutant']}{unsure}\n           {each['line']}")
    count = len(judged) - same
    print(f"{count - len(left)} of {count} killed ({(count - len(left)) / max(1, count):.1%}); {same} equivalent, "
          f"{len(tried) - len(judged)} invalid")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "mutate", help="where all of it is kept")
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run", help="try mutants")
    running.add_argument("--sample", type=int, default=40, help="mutants (40)")
    running.add_argument("--seed", type=int, default=1, help="of the sample (1)")
    running.add_argument("--only", action="append", default=[], metavar="GLOB", help="those of the sample there")
    running.add_argument("--again", action="store_true", help="the survivors of earlier runs, in place of a sample")
    running.add_argument("--seconds", type=float, default=60, help="of the processor, for a mutant (60)")
    running.add_argument("--tests", action="append", default=[], metavar="FILE", help="a test file to run first")
    commands.add_parser("show", help="the score and the survivors")
    equivalent = commands.add_parser("equivalent", help="note that no test can tell a mutant from the original")
    equivalent.add_argument("id")
    equivalent.add_argument("why")
    commands.add_parser("refresh", help="take over the checkout as it is now")
    options = parser.parse_args()
    workshop = Workshop(options.work.resolve(), getattr(options, "seconds", 60.0))
    if options.command == "run":
        run(workshop, options)
    elif options.command == "refresh":
        workshop.refresh()
    elif options.command == "equivalent":
        workshop.keep({"id": options.id, "equivalent": options.why})
    else:
        show(workshop)


if __name__ == "__main__":
    main()
