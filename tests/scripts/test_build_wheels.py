"""scripts/build_wheels.py and try_wheels.py: what they look for. Building takes minutes and is done by hand."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("tomllib", reason="Python 3.11 or newer builds the wheels")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import build_wheels
import try_wheels

sys.path.pop(0)


def test_what_does_not_belong_in_a_wheel_is_named(tmp_path):
    wheel = tmp_path / "w2v.whl"
    good = ("w2v/", "w2v/a.py", "w2v/a.pyi", "w2v/py.typed", "w2v/seeing/page/page.js", "w2v-1.dist-info/METADATA")
    bad = ("w2v/a.c", "w2v/kernel/_a.pyx", "w2v/kernel/a.h", "tests/test_a.py", "scripts/bench.py")
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in (*good, *bad):
            archive.writestr(name, "")
        archive.writestr("w2v/_a.abi3.so", b"\x7fELF /home/me/w2v")
    assert build_wheels.faults(wheel, ["/home/me"]) == [
        *(f"holds {name}" for name in bad),
        "w2v/_a.abi3.so names /home/me",
    ]


def test_each_python_gets_its_wheel():
    end = "manylinux2014_{0}.manylinux_2_17_{0}.whl"
    names = [f"w2v-1-cp310-cp310-{end}", f"w2v-1-cp311-abi3-{end}"]
    wheels = [Path(name.format(machine)) for name in names for machine in ("x86_64", "aarch64")]
    for version, machine, tag in (
        ("3.10", "x86_64", "cp310-cp310"),
        ("3.11", "aarch64", "cp311-abi3"),
        ("3.14", "x86_64", "cp311-abi3"),
    ):
        found = try_wheels.matching(wheels, version, machine)
        assert found is not None
        assert (tag in found.name, machine in found.name) == (True, True)
    assert try_wheels.matching(wheels, "3.11", "riscv64") is None
    assert try_wheels.matching(wheels[2:], "3.10", "x86_64") is None


def test_a_python_that_an_emulator_starts_goes_by_the_name_of_its_script(tmp_path, monkeypatch):
    """Tests that start sys.executable reach the emulator again, and what is installed is that environment's."""
    loader = Path("/lib64/ld-linux-x86-64.so.2")
    if not loader.exists():
        pytest.skip("glibc's loader of x86-64 stands for the emulator")
    monkeypatch.setattr(try_wheels, "install", lambda *args: Path(args[-1]).mkdir(parents=True))
    monkeypatch.setattr(try_wheels, "requirements", lambda *args: [])
    wheel = Path("w2v-1-cp311-abi3-manylinux_2_17_x86_64.whl")
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    real = Path(sys.executable).resolve()
    place = try_wheels.started_by([str(loader), "--argv0"], real, version, wheel, tmp_path, "/usr/bin:/bin")
    said = place.run("-I", "-c", "import sys; print(sys.executable, *sys.path[-1:])").stdout.split()
    assert said == [str(tmp_path / "venv/bin/python"), str(tmp_path / f"venv/lib/python{version}/site-packages")]


@pytest.mark.parametrize("name", ["cc", "gcc-12", "x86_64-linux-gnu-gcc", "clang", "ld", "cython3"])
def test_no_compiler_is_left_in_the_path(name):
    assert try_wheels.COMPILERS.fullmatch(name)
    assert not try_wheels.COMPILERS.fullmatch("sh")
