"""Which kernel is used: the fastest that runs here, or the one that W2V_KERNEL names."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from w2v.errors import SettingsError
from w2v.kernel import _cpu, kernels


@pytest.fixture(autouse=True)
def free_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("W2V_KERNEL", raising=False)


def test_fastest_kernel_is_the_default() -> None:
    assert kernels.choose().NAME == kernels.available()[-1]


def test_baseline_runs_everywhere() -> None:
    assert kernels.available()[0] == "baseline"
    assert [name for name in kernels.KERNELS if name in kernels.available()] == kernels.available()


@pytest.mark.skipif(platform.system() != "Linux", reason="reads /proc/cpuinfo")
@pytest.mark.skipif(platform.machine() != "x86_64", reason="these are x86 instruction sets")
def test_kernels_that_run_are_those_that_the_cpu_has() -> None:
    flags = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")).split()
    assert ("avx2" in kernels.available()) == ({"avx2", "fma", "bmi2"} <= set(flags))
    assert ("avx512" in kernels.available()) == ({"avx512f", "avx512bw", "avx512dq", "avx512vl"} <= set(flags))


@pytest.mark.parametrize("name", kernels.available())
def test_environment_forces_a_kernel(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("W2V_KERNEL", name)
    assert kernels.choose().NAME == name
    assert kernels.describe().startswith(f"kernel {name} (of ")


@pytest.mark.parametrize("name", kernels.available())
def test_every_kernel_can_be_asked_for_by_name(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("W2V_KERNEL", "baseline")
    assert kernels.choose(name).NAME == name


@pytest.mark.parametrize("name", ["sse9", "AVX2", "avx2 ", "../evil", "_loop_baseline", "0"])
def test_kernel_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("W2V_KERNEL", name)
    with pytest.raises(SettingsError, match=r"W2V_KERNEL: .* does not exist; here there are .*baseline"):
        kernels.choose()


def test_kernel_that_the_cpu_cannot_run_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cpu, "instruction_sets", lambda: ["baseline"])
    assert kernels.available() == ["baseline"]
    assert kernels.choose().NAME == "baseline"
    monkeypatch.setenv("W2V_KERNEL", "avx512")
    with pytest.raises(SettingsError, match='"avx512" does not run on this CPU; here there are baseline'):
        kernels.choose()


def test_only_the_chosen_kernel_is_loaded() -> None:
    code = (
        "import sys; from w2v.kernel import kernels; kernels.choose();"
        "print(*sorted(name for name in sys.modules if name.startswith('w2v.kernel._loop_')))"
    )
    command = [sys.executable, "-I", "-c", code]
    done = subprocess.run(command, env={**os.environ, "W2V_KERNEL": "baseline"}, stdout=subprocess.PIPE, check=True)
    assert done.stdout.decode().split() == ["w2v.kernel._loop_baseline"]
