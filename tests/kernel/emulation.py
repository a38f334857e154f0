"""The AVX-512 kernel for processors without AVX-512: its C, compiled with the intrinsics of `emulated/immintrin.h`.

What stays untested there is the compiler's AVX-512, and nothing of ours.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sysconfig
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "w2v"
SOURCE = PACKAGE / "kernel" / "_loop_avx512.c"  # Cython has written it when the package was installed from here


def emulated_avx512(folder: Path) -> ModuleType:
    """The kernel's module, compiled in `folder`."""
    if not SOURCE.exists():
        pytest.skip("the C of the AVX-512 kernel is not there: the package was not built in this tree")
    compiler = shlex.split(sysconfig.get_config_var("LDSHARED") or "cc -shared")
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"{compiler[0]} is not here: the AVX-512 kernel cannot be compiled in plain C")
    path = folder / f"_loop_avx512{sysconfig.get_config_var('EXT_SUFFIX')}"
    includes = [
        HERE / "emulated",
        PACKAGE,
        PACKAGE / "kernel",
        sysconfig.get_path("include"),
        sysconfig.get_path("platinclude"),
    ]
    command = [
        *compiler,
        "-O1",
        "-std=gnu11",
        "-fPIC",
        "-w",
        "-D__AVX512F__=1",
        *(f"-I{i}" for i in includes),
        SOURCE,
        "-o",
        path,
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    spec = spec_from_file_location("w2v.kernel._loop_avx512", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.FLOATS_AT_ONCE == 16
    return module
