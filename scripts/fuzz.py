"""Fuzz the readers and the encoder with atheris (libFuzzer): hostile bytes in, an answer or one line of error out.

    pip install atheris                                  # Python 3.11 to 3.13
    python scripts/fuzz.py                               # every target for 10 minutes, two at a time
    python scripts/fuzz.py text encoder --minutes 1      # two of them
    python scripts/fuzz.py --build none text             # the installed w2v, without sanitizer and coverage of its C

Targets: text, binary and safetensors vector files, checkpoints, the corpus encoder; see scripts/fuzzing/targets.py for
what each must hold to. The compiled modules are built once into build/fuzz with AddressSanitizer and coverage (needs
gcc). What breaks a target is kept in build/fuzz/findings/TARGET; put it into tests/findings/TARGET with its fix, where
the tests run it. Exit code 1 when something was found.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "scripts"
NAMES = ("text", "binary", "safetensors", "fasttext", "checkpoint", "encoder")
LIMITS = {"max_len": 4096, "timeout": 300, "rss_limit_mb": 4096, "report_slow_units": 300}
HOOKS = ["__sanitizer_cov_8bit_counters_init", "__sanitizer_cov_pcs_init"]
HOOKS += [f"__sanitizer_cov_trace_{kind}{size}" for kind in ("cmp", "const_cmp") for size in (1, 2, 4, 8)]


def build(folder: Path) -> None:
    """w2v with AddressSanitizer and coverage, and the library that tells libFuzzer of it."""
    environment = {
        **os.environ,
        "W2V_SANITIZE": "address",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "CFLAGS": "-fsanitize-coverage=trace-pc,trace-cmp",
    }
    print(f"building into {folder}", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as source:  # not the checkout: its build folder holds modules without all that
        for name in ("w2v", "setup.py", "pyproject.toml", "README.md", "LICENSE"):
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, Path(source) / name)
        install = ["install", "-q", "--no-deps", "--upgrade", "--target", folder / "site", source]
        subprocess.run([sys.executable, "-m", "pip", *install], check=True, env=environment, cwd=folder)
    library = folder / "coverage.so"
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", SCRIPTS / "fuzzing" / "coverage.c", "-o", library], check=True)


def environment_of(folder: Path | None) -> dict[str, str]:
    """What a fuzzing process needs to run the w2v that was built, or the installed one."""
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS), "PYTHONUNBUFFERED": "1"}
    if folder is not None:
        # libstdc++ for the exceptions that the sanitizer looks for.
        ask = [["gcc", f"-print-file-name={name}"] for name in ("libasan.so", "libstdc++.so")]
        libraries = [subprocess.run(a, capture_output=True, text=True, check=True).stdout.strip() for a in ask]
        environment["PYTHONPATH"] = f"{folder / 'site'}{os.pathsep}{SCRIPTS}"
        environment["LD_PRELOAD"] = " ".join([str(folder / "coverage.so"), *libraries])
        environment["ASAN_OPTIONS"] = "detect_leaks=0:allocator_may_return_null=1:verify_asan_link_order=0"
        environment["W2V_FUZZ_COVERAGE"] = str(folder / "coverage.so")
    return environment


def fuzz(name: str, seconds: int, work: Path, environment: dict[str, str], limits: dict[str, int]) -> tuple[str, bool]:
    """One target in a process of its own; a line that says how it went, and whether something was found."""
    corpus, findings = work / "corpus" / name, work / "findings" / name
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    before = set(findings.iterdir())
    started = time.monotonic()
    with open(work / f"{name}.log", "wb") as log:
        code = subprocess.run(
            [
                sys.executable,
                __file__,
                "--run",
                name,
                str(corpus),
                f"-max_total_time={seconds}",
                f"-artifact_prefix={findings}/",
                *(f"-{key}={value}" for key, value in limits.items()),
            ],
            stdout=log,
            stderr=log,
            env=environment,
            cwd=work,
            check=False,
        ).returncode
    text = (work / f"{name}.log").read_text(errors="replace")
    runs = re.findall(r"^#(\d+)\s", text, re.MULTILINE)
    edges = re.findall(r"\bcov: (\d+)", text)
    found = sorted(set(findings.iterdir()) - before)
    line = (
        f"{name}: {(time.monotonic() - started) / 60:.1f} min, {int(runs[-1]) if runs else 0:,} inputs, "
        f"{edges[-1] if edges else 0} edges, {len(list(corpus.iterdir()))} inputs kept, {len(found)} findings"
    )
    if code and not found:
        line += f"; it ended with {code}, see {work / f'{name}.log'}"
    return "\n".join([line, *(f"  {path}" for path in found)]), bool(code or found)


def run(name: str, arguments: list[str]) -> None:
    """In the fuzzing process: the target, for ever or as long as the arguments say."""
    import atheris

    library = os.environ.get("W2V_FUZZ_COVERAGE")
    if library:
        start_coverage(library)
    with atheris.instrument_imports(include=["w2v"]):
        from fuzzing.targets import TARGETS
    target, seeds = TARGETS[name]
    corpus = Path(arguments[0])
    for number, seed in enumerate(seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    atheris.Setup([sys.argv[0], *arguments], target)
    atheris.Fuzz()


def start_coverage(library: str) -> None:
    """Hand libFuzzer's functions to our part of the coverage."""
    import ctypes
    from importlib.util import find_spec

    fuzzer = ctypes.CDLL(find_spec("atheris.core_with_libfuzzer").origin)
    pointers = (ctypes.c_void_p * len(HOOKS))(*(ctypes.cast(getattr(fuzzer, hook), ctypes.c_void_p) for hook in HOOKS))
    ctypes.CDLL(library).w2v_coverage_start(pointers)


def main() -> None:
    if sys.argv[1:2] == ["--run"]:
        run(sys.argv[2], sys.argv[3:])
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", default=list(NAMES), metavar="TARGET", help=", ".join(NAMES))
    parser.add_argument("--minutes", type=float, default=10.0, help="for each target [10]")
    parser.add_argument("--jobs", type=int, default=2, help="targets at a time [2]")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "fuzz", help="where everything is kept")
    parser.add_argument("--build", choices=("once", "again", "none"), default="once", help="the instrumented w2v")
    options = parser.parse_args()
    unknown = set(options.targets) - set(NAMES)
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    work = options.work.resolve()
    if options.build == "again" or (options.build == "once" and not (work / "coverage.so").exists()):
        build(work)
    environment = environment_of(None if options.build == "none" else work)
    environment["TMPDIR"] = tempfile.gettempdir()
    with ThreadPoolExecutor(options.jobs) as pool:
        jobs = [
            pool.submit(fuzz, name, round(60 * options.minutes), work, environment, LIMITS) for name in options.targets
        ]
        results = []
        for job in jobs:
            results.append(job.result())
            print(results[-1][0], flush=True)
    sys.exit(any(found for _, found in results))


if __name__ == "__main__":
    main()
