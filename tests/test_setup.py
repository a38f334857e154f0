"""setup.py lists what is compiled, MANIFEST.in what a source archive holds: each source is in both."""

from __future__ import annotations

import os
import re
import runpy
import sys
import sysconfig
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("pyx", "pxd", "pxi", "h")


def extensions(monkeypatch, folder: Path) -> list[SimpleNamespace]:
    """Those of setup.py, which is run without its tools: they need not be there once the package is built.

    In an empty folder, where nothing is translated yet."""
    found: list[SimpleNamespace] = []
    setuptools, cython, build = ModuleType("setuptools"), ModuleType("Cython"), ModuleType("Cython.Build")
    cython.__version__ = "3"
    setuptools.Extension = lambda name, sources, **kw: SimpleNamespace(name=name, sources=sources, **kw)
    setuptools.setup = lambda **kw: None
    build.cythonize = lambda listed, **kw: found.extend(listed) or listed
    for module in (setuptools, cython, build):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.chdir(folder)
    runpy.run_path(str(ROOT / "setup.py"))
    return found


FLAGS = {"w2v.kernel._loop_avx2": "-mavx2", "w2v.kernel._loop_avx512": "-mavx512f"}


def flags_of(found: list[SimpleNamespace]) -> dict[str, list[str]]:
    return {each.name: each.extra_compile_args for each in found}


@pytest.mark.parametrize(
    ("machine", "archflags", "kernels"),
    [
        ("x86_64", "", "plain"),
        ("AMD64", "", "plain"),
        ("arm64", "", ""),
        ("aarch64", "", ""),
        ("x86_64", "-arch x86_64", "plain"),
        ("x86_64", "-arch arm64", ""),
        ("arm64", "-arch x86_64", "plain"),
        ("x86_64", "-arch arm64 -arch x86_64", "half"),
        ("arm64", "-arch x86_64  -arch arm64", "half"),
    ],
)
def test_only_x86_gets_its_flags_also_in_a_build_for_two_machines(monkeypatch, tmp_path, machine, archflags, kernels):
    """clang refuses -mavx2 for arm64: a universal2 wheel for macOS could not be built."""
    monkeypatch.setattr(sysconfig, "get_platform", lambda: f"linux-{machine}")
    monkeypatch.setattr(sysconfig, "get_config_var", lambda name: None)
    monkeypatch.setenv("ARCHFLAGS", archflags)
    found = flags_of(extensions(monkeypatch, tmp_path))
    assert set(FLAGS) & set(found) == (set(FLAGS) if kernels else set())
    for name, flags in found.items():
        of_x86 = [i for i, flag in enumerate(flags) if re.match("-m(avx|fma|bmi|prefer)", flag)]
        assert (FLAGS.get(name) in flags) == (name in FLAGS)
        assert all((flags[i - 1] == "-Xarch_x86_64") == (kernels == "half") for i in of_x86)


def test_pythons_own_flags_name_the_machines_where_archflags_does_not(monkeypatch, tmp_path):
    monkeypatch.delenv("ARCHFLAGS", raising=False)
    monkeypatch.setattr(sysconfig, "get_platform", lambda: "macosx-11.0-universal2")
    monkeypatch.setattr(sysconfig, "get_config_var", lambda name: "-arch arm64 -arch x86_64 -g")
    assert "-Xarch_x86_64" in flags_of(extensions(monkeypatch, tmp_path))["w2v.kernel._loop_avx2"]


def test_debians_noopt_is_obeyed(monkeypatch, tmp_path):
    for options, level in (("nocheck", "-O3"), ("parallel=2 noopt", "-O0")):
        monkeypatch.setenv("DEB_BUILD_OPTIONS", options)
        assert all(flags[0] == level for flags in flags_of(extensions(monkeypatch, tmp_path)).values())


def test_every_compiled_source_is_listed_and_what_is_listed_exists(monkeypatch, tmp_path):
    found = extensions(monkeypatch, tmp_path)
    listed = {path for each in found for path in each.sources if path != "w2v/_memoryviews.c"}
    only_x86 = {"w2v/kernel/_loop_avx2.pyx", "w2v/kernel/_loop_avx512.pyx"}
    assert listed | only_x86 == {str(path.relative_to(ROOT)) for path in ROOT.glob("w2v/*/*.pyx")}
    for path in (*listed, *(path for each in found for path in each.depends)):
        assert (ROOT / path).is_file(), path


def test_a_second_build_translates_only_what_has_changed(monkeypatch, tmp_path):
    def stale() -> list[str]:
        return [each.name for each in extensions(monkeypatch, tmp_path)]

    every = extensions(monkeypatch, tmp_path)
    assert len(every) > 10
    for each in every:
        source = tmp_path / each.sources[0]
        source.parent.mkdir(parents=True, exist_ok=True)
        source.touch()
        os.utime(source, (1000, 1000))  # of the module that Cython writes, the source is the C file
        source.with_suffix(".c").touch()
    assert stale() == []
    os.utime(tmp_path / every[3].sources[0])
    assert stale() == [every[3].name]
    os.utime(tmp_path / every[3].sources[0], (1000, 1000))
    (tmp_path / "w2v/kernel/_state.pxd").touch()
    os.utime(tmp_path / "w2v/kernel/_state.pxd", (2e9, 2e9))
    assert len(stale()) == len(every) - 1
    os.utime(tmp_path / "w2v/kernel/_state.pxd", (1000, 1000))
    assert stale() == []
    objects = tmp_path / "build" / "temp.linux"
    objects.mkdir()
    monkeypatch.setenv("CFLAGS", "-g")
    assert len(stale()) == len(every)
    assert not objects.exists()


def test_a_source_archive_holds_what_is_compiled_and_included():
    """It once held generated C in their place, and what was installed from it had no extension at all."""
    rules = (ROOT / "MANIFEST.in").read_text(encoding="utf-8").splitlines()
    assert "graft w2v" in rules
    excluded = [rule.split()[1:] for rule in rules if "exclude" in rule.split()[0]]
    assert not any(pattern == f"*.{kind}" for patterns in excluded for pattern in patterns for kind in KINDS)


def test_a_module_that_was_removed_is_not_installed_from_what_an_earlier_build_left(monkeypatch, tmp_path):
    extensions(monkeypatch, tmp_path)
    here = ("w2v/here.py", "build/lib.linux/w2v/here.py", "build/lib.linux/w2v/kernel/_cpu.abi3.so")
    gone = ("build/lib.linux/w2v/gone.py", "build/lib.linux/w2v/_gone.abi3.so")
    for path in (*here, *gone):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
    extensions(monkeypatch, tmp_path)
    assert not any((tmp_path / path).exists() for path in gone)
    assert all((tmp_path / path).exists() for path in here)


@pytest.mark.parametrize(
    ("platform", "byteorder", "message"),
    [("win-amd64", "little", "Windows is not supported.*use WSL"), ("linux-s390x", "big", "s390x is big-endian")],
)
def test_a_system_that_w2v_cannot_run_on_is_refused_by_a_sentence(monkeypatch, tmp_path, platform, byteorder, message):
    monkeypatch.setattr(sysconfig, "get_platform", lambda: platform)
    monkeypatch.setattr(sys, "byteorder", byteorder)
    with pytest.raises(SystemExit, match=message):
        extensions(monkeypatch, tmp_path)


@pytest.mark.parametrize("gil", [True, False])
def test_one_build_serves_every_python_from_3_11_but_the_free_threaded(monkeypatch, tmp_path, gil):
    monkeypatch.setattr(sysconfig, "get_config_var", lambda name: not gil if name == "Py_GIL_DISABLED" else "")
    stable = gil and sys.version_info >= (3, 11)
    for each in extensions(monkeypatch, tmp_path):
        assert each.py_limited_api == stable
        assert bool(each.define_macros) == stable
