"""Wheels tried where there is no compiler: on every Python, with the lowest and the newest libraries, on other CPUs.

    pip install '.[release]' && python scripts/build_wheels.py
    python scripts/try_wheels.py dist/*.whl                  # each Python, lowest and newest NumPy and Click
    python scripts/try_wheels.py dist/*.whl --extras         # the lowest optional libraries and their tests too
    python scripts/try_wheels.py dist/*.whl --cpu            # older x86-64 CPUs, under qemu-user-static
    python scripts/try_wheels.py dist/*.whl --arm64 FOLDER   # the same, with Debian's arm64 Python in FOLDER

Prints a table of docs/installing.md: what ran where, and how many tests passed. Nothing is installed outside a
temporary folder.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from build_wheels import ROOT, find_python

PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
COMPILERS = re.compile(r"(.*-)?(cc|c89|c99|gcc|g\+\+|c\+\+|clang|zig|ld|as|tcc|cython3?)(-[\d.]+)?")
TESTS = ROOT / "tests"
LIGHT = [f"{TESTS}/{name}" for name in ("kernel", "corpus", "vectors", "test_safetensors.py", "test_threads.py")]
COMMAND = [f"{TESTS}/{name}" for name in ("cli/test_main.py", "cli/test_train.py", "cli/test_asking.py")]
COMMAND += [f"{TESTS}/training/test_train.py"]
EXTRAS = [
    f"{TESTS}/{name}" for name in ("cli/test_plot.py", "cli/test_word2vec.py", "seeing", "cluster", "test_files.py")
]
# An emulator takes some thirty times as long: what reaches every kind of compiled module, in this process alone.
EMULATED = ("kernel/test_kernels.py", "corpus/test_hand_made.py", "corpus/test_encoder.py", "vectors/test_formats.py")
EMULATED += ("vectors/test_query.py", "vectors/test_ngrams.py")
NOT_EMULATED = "not memory and not optimised and not any_bytes and not emulated and not wherever_the_file"
ON_EMULATOR = [*(f"{TESTS}/{name}" for name in EMULATED), "-k", NOT_EMULATED]
KERNELS = {"Nehalem": "baseline", "Haswell": "avx2"}  # what must be picked; qemu has no AVX-512 to try


@dataclass
class Place:
    """Where a wheel is tried: an environment, what starts its Python, what is run there."""

    folder: Path
    start: list[str]
    tests: list[str]
    env: dict[str, str] = field(default_factory=dict)

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self.start, *args], cwd=self.folder, env=self.env, capture_output=True, text=True)

    def row(self, what: str) -> str:
        """A row of the table; the first failure goes to standard error."""
        asked = self.run("-m", "w2v", "--version", "--json")
        if asked.returncode:
            print(asked.stderr, file=sys.stderr)
            return f"| {what} | does not start |"
        said = json.loads(asked.stdout)
        vectors = str(self.folder / "v.bin")
        world = str(ROOT / "data/world.txt.gz")
        self.run("-m", "w2v", "train", "-q", world, "-o", vectors, "--dim", "16", "--epochs", "1")
        answer = self.run("-m", "w2v", "similar", vectors, "king", "-k", "3")
        if answer.stdout.count("\n") != 3:
            print(answer.stdout, answer.stderr, file=sys.stderr)
            return f"| {what} | does not answer |"
        tested = self.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore", *self.tests)
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


def seconds_to_first_answer(wheel: Path, python: str, folder: Path) -> float:
    """From `pip install` in an empty environment to the answer of the README's first command."""
    subprocess.run([python, "-m", "venv", folder / "first"], check=True)
    bin_folder, world = folder / "first/bin", ROOT / "data/world.txt.gz"
    commands = (
        [f"{bin_folder}/pip", "install", "-q", str(wheel)],
        [f"{bin_folder}/w2v", "train", "-q", str(world), "-o", f"{folder}/v.bin"],
        [f"{bin_folder}/w2v", "analogy", f"{folder}/v.bin", "man", "king", "woman"],
    )
    began = time.monotonic()
    for command in commands:
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert "queen" in done.stdout.splitlines()[0], done.stdout
    return time.monotonic() - began


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
                own = str(folder / "venv/bin/python")
                needs = requirements(wheel, "(?!lint|release).+" if extras else "")
                needs += [] if extras else ["pytest>=8.4", "hypothesis>=6.86"]
                install(wheel, folder, needs, lowest, "--python", own)
                tests = [*LIGHT, *COMMAND, *(EXTRAS if extras else ())]
                place = Place(folder, [own], tests, environment(folder, tools))
                print(place.row(f"Linux {machine}, {'lowest' if lowest else 'newest'}"), flush=True)


def try_cpus(wheels: list[Path], tools: str) -> None:
    """The stable wheel on x86-64 CPUs without AVX2, without AVX-512: the right kernel, no illegal instruction."""
    python, wheel = find_python("3.11"), matching(wheels, "3.11", "x86_64")
    assert python is not None
    assert wheel is not None
    with tempfile.TemporaryDirectory(prefix="w2v-try-") as name:
        folder = Path(name)
        subprocess.run([python, "-m", "venv", "--without-pip", folder / "venv"], check=True)
        own = folder / "venv/bin/python"
        needs = [*requirements(wheel, ""), "pytest>=8.4", "hypothesis>=6.86"]
        install(wheel, folder, needs, False, "--python", str(own))
        env = environment(folder, tools)
        for cpu, kernel in KERNELS.items():
            start = ["qemu-x86_64-static", "-cpu", cpu, str(own.resolve())]
            env["PYTHONPATH"] = next(str(path) for path in folder.glob("venv/lib/python*/site-packages"))
            row = Place(folder, start, ON_EMULATOR, env).row(f"Linux x86_64 as {cpu} (qemu)")
            print(row, flush=True)
            if f"| {kernel} |" not in row:
                raise SystemExit(f"try_wheels: {cpu} must run the kernel {kernel}")


def arm64_python(folder: Path) -> Path:
    """Debian's arm64 Python, unpacked below `folder` unless it is there: dpkg knows no arm64 afterwards either."""
    if not (folder / "usr/bin/python3.11").exists():
        packages = "python3.11-minimal libpython3.11-minimal libpython3.11-stdlib python3.11 libc6 libgcc-s1 zlib1g"
        packages += (
            " libexpat1 libssl3 libffi8 libbz2-1.0 liblzma5 libsqlite3-0 libuuid1 libstdc++6 media-types libdb5.3"
        )
        lists = folder / "lists"
        (lists / "partial").mkdir(parents=True)
        apt = ["-o", "APT::Architecture=arm64", "-o", "APT::Architectures=arm64", "-o", f"Dir::State::Lists={lists}"]
        subprocess.run(["apt-get", "-q", *apt, "update"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["apt-get", "-q", *apt, "download", *packages.split()], check=True, cwd=folder)
        for package in folder.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
    return folder


def try_arm64(wheels: list[Path], root: Path, tools: str) -> None:
    """The arm64 wheel under qemu; NumPy's own wheel for arm64 beside it."""
    root, wheel = arm64_python(root.resolve()), matching(wheels, "3.11", "aarch64")
    if wheel is None:
        raise SystemExit("try_wheels: no wheel for aarch64 is among them; scripts/build_wheels.py --machine aarch64")
    with tempfile.TemporaryDirectory(prefix="w2v-try-") as name:
        folder = Path(name)
        needs = [*requirements(wheel, ""), "pytest>=8.4", "hypothesis>=6.86"]
        where = ["--python-platform", "aarch64-manylinux_2_31", "--python-version", "3.11", "--target"]
        install(wheel, folder, needs, False, *where, str(folder / "site"))
        env = environment(folder, tools) | {"PYTHONPATH": str(folder / "site"), "QEMU_LD_PREFIX": str(root)}
        start = ["qemu-aarch64-static", "-L", str(root), str(root / "usr/bin/python3.11")]
        print(
            Place(folder, start, ON_EMULATOR, env).row("Linux aarch64 (qemu)"),
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", nargs="+", type=Path)
    parser.add_argument("--python", nargs="+", default=list(PYTHONS), help="versions to try, such as 3.11")
    parser.add_argument("--extras", action="store_true", help="the lowest optional libraries too")
    parser.add_argument("--cpu", action="store_true", help="older x86-64 CPUs under qemu")
    parser.add_argument("--arm64", type=Path, metavar="FOLDER", help="arm64 under qemu")
    parser.add_argument("--first", action="store_true", help="seconds from pip install to the first answer")
    chosen = parser.parse_args()
    wheels = [path.resolve() for path in chosen.wheels]
    with tempfile.TemporaryDirectory(prefix="w2v-tools-") as tools:
        path = path_without_compiler(Path(tools))
        assert shutil.which("cc", path=path) is None
        if chosen.first:
            for version in chosen.python:
                python, wheel = find_python(version), matching(wheels, version, platform.machine())
                if python and wheel:
                    with tempfile.TemporaryDirectory(prefix="w2v-try-") as folder:
                        print(f"{version}: {seconds_to_first_answer(wheel, python, Path(folder)):.1f} s")
        elif chosen.arm64:
            try_arm64(wheels, chosen.arm64, path)
        elif chosen.cpu:
            try_cpus(wheels, path)
        else:
            try_pythons(wheels, chosen.python, chosen.extras, path)


if __name__ == "__main__":
    main()
