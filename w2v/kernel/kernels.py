"""Which compiled kernels exist, which of them run on this CPU, and which one is used.

Every kernel is the same training loop (`_loop.pxi`) compiled for another instruction set. The fastest that the CPU and
the operating system support is used; the environment variable W2V_KERNEL forces one by name.
"""

from __future__ import annotations

import os
import platform
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol, cast

from w2v.errors import SettingsError
from w2v.kernel import _cpu

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from w2v.kernel._lanes import Lanes
    from w2v.kernel._state import Worker

__all__ = ["KERNELS", "CompiledKernel", "Kernel", "available", "choose", "describe"]

KERNELS = ("baseline", "avx2", "avx512")  # slowest first


class Kernel(Protocol):
    """What trains a span: a compiled kernel, or what has the same functions."""

    NAME: str

    def train(self, worker: Worker, ids: NDArray[np.int32], start: int, stop: int, lr: float) -> None: ...
    def flush(self, worker: Worker) -> None: ...


class CompiledKernel(Kernel, Protocol):
    """A module compiled from `_loop.pxi`."""

    def train_rounds(self, lanes: Lanes, home: int) -> bool: ...


def available() -> list[str]:
    """Names of the kernels that are built in and run here, slowest first."""
    return [name for name in _cpu.instruction_sets() if find_spec(f"w2v.kernel._loop_{name}")]


def choose(name: str | None = None) -> CompiledKernel:
    """The kernel: `name`, else $W2V_KERNEL, else the fastest; SettingsError where it cannot run."""
    wanted = name or os.environ.get("W2V_KERNEL", "")
    names = available()
    if not wanted:
        wanted = names[-1]
    elif wanted not in names:
        kind = "does not run on this CPU" if wanted in KERNELS else "does not exist"
        raise SettingsError(f'W2V_KERNEL: the kernel "{wanted}" {kind}; here there are {", ".join(names)}')
    return cast("CompiledKernel", import_module(f"w2v.kernel._loop_{wanted}"))


def describe() -> str:
    """One line for --version: the kernel in use, all that run here, the machine."""
    return f"kernel {choose().NAME} (of {', '.join(available())}) on {platform.machine()}"
