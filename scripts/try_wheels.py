"""Wheels tried where there is no compiler: on every Python, with the lowest and the newest libraries, on other CPUs.

    pip install '.[release]' && python scripts/build_wheels.py
    python scripts/try_wheels.py dist/*.whl                  # each Python, lowest and newest NumPy and Click
    python scripts/try_wheels.py dist/*.whl --extras         # the lowest optional libraries and their tests too
    python scripts/try_wheels.py dist/*.whl --cpu            # older x86-64 CPUs, under qemu-user-static
    python scripts/try_wheels.py dist/*.whl --arm64 FOLDER   # under qemu, with Debian's arm64 Python in FOLDER
    python scripts/try_wheels.py dist/*.whl --sid FOLDER     # with Python 3.14 of Debian sid in FOLDER
    python scripts/try_wheels.py dist/*.whl --first          # how long it takes from pip to the first answer

Prints the tables of docs/installing.md: what ran where, and how many tests passed. Nothing is installed outside a
temporary folder and FOLDER.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from build_wheels import ROOT, faults, find_python

PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
COMPILERS = re.compile(r"(.*-)?(cc|c89|c99|gcc|g\+\+|c\+\+|clang|zig|ld|as|tcc|cython3?)(-[\d.]+)?")
TEST_TOOLS = ["pytest>=8.4", "hypothesis>=6.86"]
TESTS = ROOT / "tests"
# What reaches every compiled module and every kind of file, in about a minute.
LIGHT = ["kernel/test_kernels.py", "kernel/test_worker.py"]
LIGHT += ["corpus/test_hand_made.py", "corpus/test_encoder.py", "corpus/test_vocab.py"]
LIGHT += ["vectors/test_formats.py", "vectors/test_query.py", "vectors/test_ngrams.py"]
LIGHT += ["training/test_train.py", "cli/test_main.py", "cli/test_train.py", "cli/test_asking.py"]
# What uses an optional library.
EXTRAS = ["test_files.py", "test_safetensors.py", "corpus/test_sessions.py", "vectors/test_neighbours.py"]
EXTRAS += ["cli/test_plot.py", "cluster/test_authentication.py"]
# An emulator takes some thirty times as long.
EMULATED = ["kernel/test_kernels.py", "corpus/test_hand_made.py", "corpus/test_encoder.py", "vectors/test_formats.py"]
EMULATED += ["vectors/test_query.py", "vectors/test_ngrams.py"]
NOT_EMULATED = [
    "-k",
    "not memory and not any_bytes and not wherever_the_file and (not test_kernels or dim17 or workers)",
]
SID = "3.14"
KERNELS = {"Nehalem": "baseline", "Haswell": "avx2"}  # what must be picked; qemu has no AVX-512 to try
HEAD = """| machine | Python | NumPy | Click | kernel | tests |
| --- | --- | --- | --- | --- | --- |"""


@dataclass
class Place:
    """Where a wheel is tried: a folder, its Python, the variables of its environment."""

    folder: Path
    python: Path
    env: dict[str, str]

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([self.python, *args], cwd=self.folder, env=self.env, capture_output=True, text=True)

    def row(self, what: str, tests: list[str], *options: str) -> str:
        """A row of the table; the first failure goes to standard error."""
        asked = self.run("-m", "w2v", "--version", "--json")
        if asked.returncode:
            print(asked, file=sys.stderr)
            return f"| {what} | does not start |"
        said = json.loads(asked.stdout)
        vectors = str(self.folder / "v.bin")
        world = str(ROOT / "data/world.txt.gz")
        self.run("-m", "w2v", "train", "-q", world, "-o", vectors, "--dim", "16", "--epochs", "1")
        answer = self.run("-m", "w2v", "similar", vectors, "king", "-k", "3")
        if answer.stdout.count("\n") != 3:
            print(answer.stdout, answer.stderr, file=sys.stderr)
            return f"| {what} | does not answer |"
        paths = [str(TESTS / name) for name in tests]
        tested = self.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore", *paths, *options)
        result = (tested.stdout.strip() or tested.stderr).splitlines()[-1].strip("= ")
        if tested.returncode:
            print(tested.stdout[-6000:], tested.stderr[-2000:], file=sys.stderr)
        cells = [said["python"], said["numpy"], said["click"], said["machine"]["kernel"]]
        return f"| {what} | {' | '.join(cells)} | {re.sub(r' in .*', '', result)} |"


def path_without_compiler(folder: Path) -> str:
    """A PATH on which everything is but compilers, linkers and Cython."""
    for name in ("/usr/bin", "/bin", "/usr/sbin", "/sbin"):
        for program in Path(name).iterdir():
            if not COMPILERS.fullmatch(program.name) and not (folder / program.name).exists():
                (folder / program.name).symlink_to(program)
    return str(folder)


def matching(wheels: list[Path], version: str, machine: str) -> Path | None:
    """The wheel for this Python and machine, as pip would choose it."""
    own = f"cp{version.replace('.', '')}"
    fits = [each for each in wheels if each.stem.endswith(f"_{machine}")]
    stable = [each for each in fits if "-abi3-" in each.name and version != "3.10"]
    return next((each for each in fits if f"-{own}-{own}-" in each.name), next(iter(stable), None))


def requirements(wheel: Path, extras: str) -> list[str]:
    """What the wheel asks for, its extras of these names included."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        lines = re.findall(r"^Requires-Dist: (.*)$", archive.read(name).decode(), re.MULTILINE)
    split = [line.partition("; extra == ") for line in lines]
    split = [each for each in split if not each[0].startswith("w2v[")]
    return [need for need, _, extra in split if not extra or re.fullmatch(extras, extra.strip("'\""))]


def install(wheel: Path, folder: Path, needs: list[str], lowest: bool, *options: str) -> None:
    """The wheel and the lowest or newest of what it needs; nothing that would have to be compiled."""
    how = ["--only-binary", ":all:", "--resolution", "lowest-direct" if lowest else "highest", *options]
    subprocess.run(
        [sys.executable, "-m", "uv", "pip", "install", "-q", *how, *needs, str(wheel)], check=True, cwd=folder
    )


def environment(folder: Path, tools: str) -> dict[str, str]:
    home = folder / "home"
    home.mkdir()
    return {"PATH": f"{folder / 'venv/bin'}:{tools}", "HOME": str(home), "LANG": "C.UTF-8", "CI": "true"}


def try_pythons(wheels: list[Path], versions: list[str], extras: bool, tools: str) -> None:
    machine = platform.machine()
    for version in versions:
        python, wheel = find_python(version), matching(wheels, version, machine)
        if python is None or wheel is None:
            print(f"| Linux {machine} | {version} | {'no such Python' if python is None else 'no such wheel'} here |")
            continue
        for lowest in (True,) if extras else (True, False):
            with tempfile.TemporaryDirectory(prefix="w2v-try-") as name:
                folder = Path(name)
                subprocess.run([python, "-m", "venv", "--without-pip", folder / "venv"], check=True)
                own = folder / "venv/bin/python"
                needs = requirements(wheel, "(?!lint|release).+" if extras else "")
                needs += [] if extras else TEST_TOOLS
                install(wheel, folder, needs, lowest, "--python", str(own))
                place = Place(folder, own, environment(folder, tools))
                what = f"Linux {machine}, {'lowest' if lowest else 'newest'}"
                print(place.row(what, [*LIGHT, *EXTRAS] if extras else LIGHT), flush=True)


def started_by(start: list[str], real: Path, version: str, wheel: Path, folder: Path, tools: str) -> Place:
    """A place whose `python` and `w2v` are scripts: `start`, the name to go by, and `real`, an interpreter elsewhere.

    Tests that start processes of their own do it by these scripts as well.
    """
    venv = folder / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "pyvenv.cfg").write_text(f"home = {real.parent}\ninclude-system-site-packages = false\n")
    command = shlex.join([*start, str(venv / "bin/python"), str(real)])
    for name, module in (("python", ""), ("w2v", "-m w2v ")):
        script = venv / "bin" / name
        script.write_text(f'#!/bin/sh\nexec {command} {module}"$@"\n')
        script.chmod(0o755)
    needs = [*requirements(wheel, ""), *TEST_TOOLS]
    of = ["--python-platform", f"{machine_of(wheel)}-manylinux_2_31", "--python-version", version]
    install(wheel, folder, needs, False, *of, "--target", str(venv / f"lib/python{version}/site-packages"))
    return Place(folder, venv / "bin/python", environment(folder, tools))


def machine_of(wheel: Path) -> str:
    return next(machine for machine in ("x86_64", "aarch64") if wheel.stem.endswith(f"_{machine}"))


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise SystemExit(f"try_wheels: no {name} here; apt install qemu-user-static")
    return found


def try_cpus(wheels: list[Path], tools: str) -> None:
    """The stable wheel on x86-64 CPUs without AVX2, without AVX-512: the right kernel, no illegal instruction."""
    python, wheel = find_python("3.11"), matching(wheels, "3.11", "x86_64")
    assert python is not None
    assert wheel is not None
    for cpu, kernel in KERNELS.items():
        with tempfile.TemporaryDirectory(prefix="w2v-try-") as name:
            start = [program("qemu-x86_64-static"), "-cpu", cpu, "-0"]
            place = started_by(start, Path(python).resolve(), "3.11", wheel, Path(name), tools)
            row = place.row(f"Linux x86_64 as {cpu} (qemu)", EMULATED, *NOT_EMULATED)
        print(row, flush=True)
        if f"| {kernel} |" not in row:
            raise SystemExit(f"try_wheels: {cpu} must run the kernel {kernel}")


def debian_python(folder: Path, suite: str, architecture: str, version: str) -> Path:
    """Debian's Python and all that it needs, unpacked below `folder` unless it is there; dpkg does not hear of it."""
    python = folder / f"usr/bin/python{version}"
    if not python.exists():
        for name in ("lists/partial", "archives/partial"):
            (folder / name).mkdir(parents=True)
        (folder / "status").touch()  # as if nothing were installed
        (folder / "sources").write_text(f"deb http://deb.debian.org/debian {suite} main\n")
        settings = (
            f"APT::Architecture={architecture}", f"APT::Architectures={architecture}", "Dir::Etc::SourceParts=-",
            f"Dir::Etc::SourceList={folder}/sources", f"Dir::State::Lists={folder}/lists",
            f"Dir::State::Status={folder}/status", f"Dir::Cache::Archives={folder}/archives", "Debug::NoLocking=1",
        )  # fmt: skip
        apt = ["apt-get", "-q", "-y", *(part for setting in settings for part in ("-o", setting))]
        wanted = [
            "--no-install-recommends",
            "--download-only",
            f"python{version}",
            "libstdc++6",
        ]  # NumPy's wheels need it
        for command in ["update"], ["install", *wanted]:
            subprocess.run([*apt, *command], check=True, stdout=subprocess.DEVNULL)
        for package in folder.glob("archives/*.deb"):
            subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
    return python


def try_arm64(wheels: list[Path], root: Path, tools: str) -> None:
    """The arm64 wheel under qemu; NumPy's own wheel for arm64 beside it."""
    wheel = matching(wheels, "3.11", "aarch64")
    if wheel is None:
        raise SystemExit("try_wheels: no wheel for aarch64 is among them; scripts/build_wheels.py --machine aarch64")
    python = debian_python(root, "bookworm", "arm64", "3.11")
    with tempfile.TemporaryDirectory(prefix="w2v-try-") as name:
        start = [program("qemu-aarch64-static"), "-L", str(root), "-0"]
        place = started_by(start, python, "3.11", wheel, Path(name), tools)
        print(place.row("Linux aarch64 (qemu)", EMULATED, *NOT_EMULATED), flush=True)


def try_sid(wheels: list[Path], root: Path, tools: str) -> None:
    """The wheel of the stable ABI on a Python that is newer than this system, which brings its own C library."""
    wheel = matching(wheels, SID, "x86_64")
    assert wheel is not None
    python = debian_python(root, "sid", "amd64", SID)
    with tempfile.TemporaryDirectory(prefix="w2v-try-") as name:
        libraries = f"{root}/usr/lib/x86_64-linux-gnu"
        start = [f"{libraries}/ld-linux-x86-64.so.2", "--library-path", libraries, "--argv0"]
        place = started_by(start, python, SID, wheel, Path(name), tools)
        print(place.row("Linux x86_64, Debian sid's Python", LIGHT), flush=True)


FIRST = """| Python | installed by | installing | training | asking | all |
| --- | --- | --- | --- | --- | --- |"""
INSTALLERS = {
    "pip install": "{bin}/pip install -q",
    "pip install --no-compile": "{bin}/pip install -q --no-compile",
    "uv pip install": f"{sys.executable} -m uv pip install -q --python {{bin}}/python",
}


def seconds_until_now() -> tuple[float, float]:
    """By the clock, and of processor time in processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic(), used.ru_utime + used.ru_stime


def first_answer(wheel: Path, version: str, python: str, installer: str, tools: str) -> str:
    """From an empty environment to the answer of the README's first command, as a row of a table: clock (processor)."""
    with tempfile.TemporaryDirectory(prefix="w2v-try-") as name:
        subprocess.run([python, "-m", "venv", f"{name}/venv"], check=True)
        bin_folder, vectors = f"{name}/venv/bin", f"{name}/vectors.bin"
        commands = (
            [*INSTALLERS[installer].format(bin=bin_folder).split(), str(wheel)],
            [f"{bin_folder}/w2v", "train", "-q", str(ROOT / "data/world.txt.gz"), "-o", vectors],
            [f"{bin_folder}/w2v", "analogy", vectors, "man", "king", "woman"],
        )
        times = [seconds_until_now()]
        for command in commands:
            env = {**os.environ, "PATH": f"{bin_folder}:{tools}"}
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=name, env=env, text=True)
            times.append(seconds_until_now())
    answer = done.stdout.partition("\n")[0]
    if "queen" not in answer:
        raise SystemExit(f"try_wheels: the first answer is {answer!r}, not queen")
    spans = [*pairwise(times), (times[0], times[-1])]
    cells = [f"{b[0] - a[0]:.1f} s ({b[1] - a[1]:.1f} s)" for a, b in spans]
    return f"| {version} | `{installer}` | {' | '.join(cells)} |"


def try_first(wheels: list[Path], versions: list[str], installers: list[str], tools: str) -> None:
    print(FIRST)
    for version in versions:
        python, wheel = find_python(version), matching(wheels, version, platform.machine())
        for installer in installers if python and wheel else ():
            print(first_answer(wheel, version, python, installer, tools), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", nargs="+", type=Path)
    parser.add_argument("--python", nargs="+", default=list(PYTHONS), help="versions to try, such as 3.11")
    parser.add_argument("--extras", action="store_true", help="the lowest optional libraries too")
    parser.add_argument("--cpu", action="store_true", help="older x86-64 CPUs under qemu")
    parser.add_argument("--arm64", type=Path, metavar="FOLDER", help="arm64 under qemu")
    parser.add_argument("--sid", type=Path, metavar="FOLDER", help=f"Python {SID} of Debian sid")
    parser.add_argument(
        "--first", nargs="*", choices=INSTALLERS, metavar="INSTALLER", help=f"times: {', '.join(INSTALLERS)}"
    )
    chosen = parser.parse_args()
    wheels = [path.resolve() for path in chosen.wheels if path.suffix == ".whl"]
    wrong = [f"{path.name} {fault}" for path in wheels for fault in faults(path, [str(ROOT)])]
    if wrong:
        raise SystemExit("\n".join(f"try_wheels: {fault}" for fault in wrong))
    with tempfile.TemporaryDirectory(prefix="w2v-tools-") as tools:
        path = path_without_compiler(Path(tools))
        assert shutil.which("cc", path=path) is None
        if chosen.first is not None:
            return try_first(wheels, chosen.python, chosen.first or list(INSTALLERS), path)
        print(HEAD)
        if chosen.arm64:
            try_arm64(wheels, chosen.arm64.resolve(), path)
        elif chosen.sid:
            try_sid(wheels, chosen.sid.resolve(), path)
        elif chosen.cpu:
            try_cpus(wheels, path)
        else:
            try_pythons(wheels, chosen.python, chosen.extras, path)


if __name__ == "__main__":
    main()
