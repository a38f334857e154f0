"""Mutation testing: break w2v in one small way at a time, and see whether a test notices.

    pip install coverage                             # for the map
    python scripts/mutate.py map                     # once: which tests run which function (an hour; resumable)
    python scripts/mutate.py run --sample 200        # a seeded random sample; goes on where it was stopped
    python scripts/mutate.py run --sample 200 --only 'w2v/vectors/*'    # those of the sample that are there
    python scripts/mutate.py run --again             # the survivors once more, after new tests
    python scripts/mutate.py show                    # the score and the survivors
    python scripts/mutate.py equivalent ID 'why no test can tell'

Works in a copy of this checkout, in an environment of its own, both in build/mutate; results.jsonl there holds every
mutant that was tried. A mutant of Python is written over the installed file; one of Cython or C is compiled first. What
runs is the function's tests by the map, quickest first, with a time limit; with the first that fails the mutant is
killed, and that test has to pass without the mutant. The operators are in scripts/mutation.
"""

from __future__ import annotations

import argparse
import fnmatch
import hashlib
import json
import os
import shutil
import signal
import site
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import TYPE_CHECKING

from mutation.compiled import compiled_sites
from mutation.python import python_sites
from mutation.relevant import PLUGIN, Map

if TYPE_CHECKING:
    from mutation.sites import Site

ROOT = Path(__file__).resolve().parent.parent
FIRST_S = 10  # seconds of tests, by the map, that run before all the others do
KILLED = "killed"


class Workshop:
    """The copy, its environment, and the results."""

    def __init__(self, work: Path):
        self.work, self.tree, self.python = work, work / "tree", work / "venv" / "bin" / "python"
        self.results = work / "results.jsonl"
        if not self.tree.exists():
            self.copy()
            self.make_environment()
        self.package = next((work / "venv").glob("lib/python*/site-packages")) / "w2v"
        self.undo = work / "undo.json"  # while a mutant is in place
        if self.undo.exists():
            name, content = json.loads(self.undo.read_text())
            self.put(name, content.encode())
            self.undo.unlink()
        self.map = Map(self.tree, self.package, work / "map", self.pytest)
        self.known_good: set[str] = set()
        self.seconds = 60.0  # of tests for one mutant, as long as they took for the map

    def copy(self) -> None:
        """What git knows of this checkout, as it is on disk."""
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
        names = set(listed.stdout.splitlines())
        for old in self.tree.rglob("*"):  # what was renamed since; what was compiled stays
            name = str(old.relative_to(self.tree))
            made = name.startswith("build/") or old.suffix in {".c", ".so"}
            if old.is_file() and not made and name not in names:
                old.unlink()
        for name in names:
            if (ROOT / name).exists():
                (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.tree / name)

    def make_environment(self) -> None:
        """A virtual environment that also sees what this one has installed."""
        venv.create(self.work / "venv", symlinks=True)
        packages = next((self.work / "venv").glob("lib/python*/site-packages"))
        seen = [path for path in sys.path if path.endswith("-packages")] or site.getsitepackages()
        (packages / "outer.pth").write_text("\n".join(seen) + "\n")
        start = '"COVERAGE_PROCESS_START" in os.environ and __import__("coverage").process_startup()'
        (packages / "zz_measured.pth").write_text(f"import os; {start}\n")  # read after outer.pth, where coverage is
        (packages / "mutate_plugin.py").write_text(PLUGIN)
        self.install()

    def install(self) -> None:
        pip = [self.python, "-m", "pip", "install", "-q", "--no-build-isolation", "--no-deps", "--force-reinstall", "."]
        subprocess.run(pip, cwd=self.tree, check=True, env=self.environment())

    def environment(self, **more: str) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "W2V_", "COVERAGE", "MUTATE"))}
        cached = {"CC": "ccache gcc"} if shutil.which("ccache") else {}
        path = f"{self.python.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        return {**kept, **cached, "PATH": path, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **more}

    # --- tests ---

    def pytest(
        self, files: list[str], timeout: float, tests: list[str] | None = None, extra: dict[str, str] | None = None
    ) -> tuple[int | None, dict[str, tuple[float, str]]]:
        """(exit code, or None at the time limit; test -> (seconds, outcome))."""
        report, asked = self.work / "report.json", self.work / "tests.json"
        report.unlink(missing_ok=True)
        more = {**(extra or {}), "MUTATE_REPORT": str(report)}
        if tests is not None:
            asked.write_text(json.dumps(tests))
            more["MUTATE_TESTS"] = str(asked)
        stop = [] if extra else ["-x"]
        plugins = ["-p", "no:cacheprovider", "-p", "mutate_plugin"]
        command = [self.python, "-P", "-m", "pytest", "-q", *stop, *plugins, *files]
        with open(self.work / "pytest.log", "w") as log:
            process = subprocess.Popen(
                command,
                cwd=self.tree,
                env=self.environment(**more),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                code = process.wait(timeout)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                end_group(process)
        return code, json.loads(report.read_text()) if report.exists() else {}

    def noticed(self, tests: list[tuple[str, float]]) -> tuple[str, str] | None:
        """How the tests, (name, seconds), notice what is installed now: (outcome, test), or None."""
        names = [name for name, _ in tests]
        files = list(dict.fromkeys(name.partition("::")[0] for name in names))
        code, ended = self.pytest(files, 60 + 10 * sum(seconds for _, seconds in tests), names)
        if code == 0:
            return None
        failed = [name for name, (_, outcome) in ended.items() if outcome == "failed"]
        return ("timeout" if code is None else KILLED), failed[0] if failed else (files or ["?"])[0]

    # --- one mutant ---

    def try_out(self, mutant: Site, more: list[str]) -> dict[str, object]:
        source = self.tree / mutant.path
        original, started = source.read_bytes(), time.monotonic()
        self.undo.write_text(json.dumps([mutant.path, original.decode()]))
        try:
            if not self.put(mutant.path, mutant.apply(original)):
                return {"outcome": "invalid"}
            outcome, test, count = self.judge(mutant, more)
        finally:
            self.put(mutant.path, original)
            self.undo.unlink()
        if outcome == KILLED and "::" in test and test not in self.known_good:
            if self.noticed([(test, 60.0)]) is not None:
                return {"outcome": "unclear", "test": test}  # it fails without the mutant too
            self.known_good.add(test)
        return {"outcome": outcome, "test": test, "tests": count, "seconds": round(time.monotonic() - started, 1)}

    def judge(self, mutant: Site, more: list[str]) -> tuple[str, str, int]:
        """(outcome, the test that noticed, tests that there were)."""
        known = self.map.tests_of(mutant.path, mutant.function)
        if more:
            code, ended = self.pytest(more, 600)
            if code != 0:
                failed = [name for name, (_, outcome) in ended.items() if outcome == "failed"]
                return KILLED, (failed or more)[0], len(known)
        done = 0
        for limit in (FIRST_S, self.seconds):
            part, total = [], 0.0
            for test, seconds in known[done:]:
                total += max(seconds, 0.01)
                if total > limit and part:
                    break
                part.append((test, seconds))
            done += len(part)
            found = self.noticed(part) if part else None
            if found:
                return *found, len(known)
        return "survived", "", len(known)

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
        done = subprocess.run(
            [self.python, "setup.py", "-q", "build_ext"], cwd=self.tree, env=self.environment(), capture_output=True
        )
        for made in self.tree.glob("build/lib*/**/*.so"):
            installed = self.package.parent.joinpath(*made.relative_to(self.tree / "build").parts[1:])
            if not installed.exists() or made.stat().st_mtime > installed.stat().st_mtime:
                installed.unlink(missing_ok=True)
                shutil.copy(made, installed)
        return done.returncode == 0

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


def end_group(process: subprocess.Popen) -> None:
    """End what a test run has left."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def run(workshop: Workshop, options: argparse.Namespace) -> None:
    workshop.seconds = options.seconds
    tried = workshop.tried()
    sites = workshop.sites()
    if options.again:
        wanted = [each for each in sites if tried.get(each.id, {}).get("outcome") in {"survived", "unclear"}]
        wanted = [each for each in wanted if not tried[each.id].get("equivalent")]
    else:
        drawn = sorted(sites, key=lambda each: hashlib.sha256(f"{options.seed} {each.id}".encode()).digest())
        wanted = [each for each in drawn[: options.sample] if each.id not in tried]  # the same ones after small changes
    if options.only:
        wanted = [each for each in wanted if any(fnmatch.fnmatch(each.path, glob) for glob in options.only)]
    wanted.sort(key=lambda each: not each.path.endswith(".py"))  # seconds each; the others are compiled
    print(f"{len(sites):,} places to break; {len(wanted)} to try", flush=True)
    for number, mutant in enumerate(wanted, 1):
        result = workshop.try_out(mutant, options.tests)
        workshop.keep({"id": mutant.id, "mutant": str(mutant), "line": mutant.shown, **result})
        print(f"{number}/{len(wanted)} {mutant.id} {result['outcome']:9}{mutant}", flush=True)
    show(workshop)


def show(workshop: Workshop) -> None:
    tried = workshop.tried().values()
    judged = [each for each in tried if each["outcome"] in {KILLED, "timeout", "survived"}]
    left = [each for each in judged if each["outcome"] == "survived" and not each.get("equivalent")]
    same = sum(bool(each.get("equivalent")) for each in judged if each["outcome"] == "survived")
    for each in left:
        print(f"{each['id']} {each['mutant']}\n           {each['line']}\n           {each['tests']} tests reach it")
    count = len(judged) - same
    print(f"{count - len(left)} of {count} killed ({(count - len(left)) / max(1, count):.1%}); {same} equivalent, "
          f"{len(tried) - len(judged)} invalid or unclear")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "mutate", help="where all of it is kept")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("map", help="find out which tests run which function")
    running = commands.add_parser("run", help="try mutants")
    running.add_argument("--sample", type=int, default=40, help="mutants (40)")
    running.add_argument("--seed", type=int, default=1, help="of the sample (1)")
    running.add_argument("--only", action="append", default=[], metavar="GLOB", help="those of the sample there")
    running.add_argument("--again", action="store_true", help="the survivors of earlier runs, in place of a sample")
    running.add_argument("--seconds", type=float, default=60, help="of tests for a mutant, as the map has them (60)")
    running.add_argument("--tests", action="append", default=[], metavar="FILE", help="a test file to run first")
    commands.add_parser("show", help="the score and the survivors")
    equivalent = commands.add_parser("equivalent", help="note that no test can tell a mutant from the original")
    equivalent.add_argument("id")
    equivalent.add_argument("why")
    commands.add_parser("refresh", help="take over the checkout as it is now")
    options = parser.parse_args()
    workshop = Workshop(options.work.resolve())
    if options.command == "map":
        workshop.map.draw()
    elif options.command == "run":
        run(workshop, options)
    elif options.command == "refresh":
        workshop.copy()
        workshop.install()
    elif options.command == "equivalent":
        workshop.keep({"id": options.id, "equivalent": options.why})
    else:
        show(workshop)


if __name__ == "__main__":
    main()
