"""The list of compiled extensions and their flags; everything else is in pyproject.toml.

One training loop is compiled several times, once for each instruction set; which one runs is decided at run time, so
nothing here depends on the CPU that builds. W2V_DEBUG=1 turns bounds checks on, W2V_SANITIZE=address the sanitizer.
No absolute path and no time gets into what is compiled: two builds of one commit are the same, byte for byte.
"""

import os
import re
import shutil
import sys
import sysconfig
from pathlib import Path

import Cython
from Cython.Build import cythonize
from setuptools import Extension, setup

DEBUG = os.environ.get("W2V_DEBUG") == "1"
SANITIZE = os.environ.get("W2V_SANITIZE", "")
# What the compiler builds for: on macOS ARCHFLAGS, or the flags that Python was built with, may name two machines.
# _PYTHON_HOST_PLATFORM, which get_platform() obeys, names another machine than this one in a cross build.
PLATFORM = sysconfig.get_platform()
MACHINES = re.findall(r"-arch\s+(\S+)", os.environ.get("ARCHFLAGS") or str(sysconfig.get_config_var("CFLAGS"))) or [
    PLATFORM.rpartition("-")[2].lower()
]
if PLATFORM.startswith("win"):
    sys.exit("w2v: Windows is not supported (it needs POSIX: pread, mmap, signals); use WSL, the Linux inside Windows")
if sys.byteorder == "big":
    sys.exit(f"w2v: {PLATFORM} is big-endian, and vector files are little-endian; build on a little-endian machine")
X86_64 = bool({"x86_64", "amd64"} & set(MACHINES)) and "-m32" not in os.environ.get("CFLAGS", "")

# -O3 is ours to set: setuptools lets CFLAGS replace the flags that Python was built with.
DEBIAN = os.environ.get("DEB_BUILD_OPTIONS", "")
FLAGS = ["-O1", "-g"] if DEBUG or SANITIZE else ["-O0" if "noopt" in DEBIAN.split() else "-O3", "-g0"]
FLAGS += ["-std=gnu11", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"]
FLAGS += ["-Wno-unused-function", "-Wno-unreachable-code", "-Wno-psabi"]
LINK = []
# The stable ABI: what is built on 3.11 serves every later Python. Free-threaded builds and 3.10 lack it.
LIMITED = sys.version_info >= (3, 11) and not sysconfig.get_config_var("Py_GIL_DISABLED") and not (DEBUG or SANITIZE)
if SANITIZE:
    FLAGS += [f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer"]
    LINK += [f"-fsanitize={SANITIZE}"]
AVX2 = ["-mavx2", "-mfma", "-mbmi2"]
AVX512 = [*AVX2, "-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mprefer-vector-width=512"]

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": DEBUG,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": DEBUG,
    "embedsignature": True,
}


def extension(name: str, *flags: str, kind: str = ".pyx", depends: tuple[str, ...] = ()) -> Extension:
    path = name.replace(".", "/") + kind
    return Extension(
        name,
        [path],
        extra_compile_args=[*FLAGS, *flags],
        extra_link_args=LINK,
        depends=list(depends),
        include_dirs=["w2v", "w2v/kernel", "w2v/corpus", "w2v/vectors"],
        define_macros=[("Py_LIMITED_API", "0x030B0000")] if LIMITED else [],
        py_limited_api=LIMITED,
    )


def on_x86(flags: list[str]) -> list[str]:
    """Flags for the x86-64 half of what is built for two machines; its other half is the plain loop, and never runs."""
    if len(MACHINES) == 1:
        return flags
    return [part for flag in flags for part in ("-Xarch_x86_64", flag)]


PAGES = "w2v/pages.h"
LOOP = tuple(
    f"w2v/kernel/{name}"
    for name in (
        "_loop.pxi",
        "_composed.pxi",
        "_plan.pxi",
        "_rounds.pxi",
        "compose.h",
        "simd.h",
        "vec.h",
        "block.h",
        "lanes.h",
        "rng.h",
    )
)
ENCODE = (PAGES, *(f"w2v/corpus/{name}.h" for name in ("scan", "table", "encode")))
WORDS = (PAGES, "w2v/corpus/words.h", "w2v/corpus/_words.pxd")
ROWS = (*WORDS, *(f"w2v/vectors/{name}.h" for name in ("mapped", "rows", "decimal", "text")))
SHARED = "w2v._memoryviews"  # written by Cython: what every module with memoryviews would else hold a copy of
EXTENSIONS = [
    extension(SHARED, kind=".c"),
    extension("w2v.corpus._assembly", depends=ENCODE),
    extension("w2v.corpus._blocks"),
    extension("w2v.corpus._encode", depends=(*ENCODE, *WORDS)),
    extension("w2v.corpus._census", depends=("w2v/corpus/census.h",)),
    extension("w2v.corpus._ids", depends=ENCODE),
    extension("w2v.corpus._phrases", depends=("w2v/corpus/pairs.h", PAGES)),
    extension("w2v.corpus._rank", depends=("w2v/corpus/rank.h", *WORDS)),
    extension("w2v.corpus._sequences", depends=ENCODE),
    extension("w2v.corpus._words", depends=WORDS),
    extension("w2v.vectors._best"),
    extension("w2v.vectors._embed"),
    extension("w2v.vectors._ngrams", depends=(*ROWS, "w2v/vectors/ngrams.h", "w2v/vectors/fasttext.h")),
    extension("w2v.vectors._scan", depends=ROWS),
    extension("w2v.vectors._collect", depends=ROWS),
    extension("w2v.vectors._text", depends=ROWS),
    extension("w2v.cluster._rows"),
    extension("w2v.seeing._layout", depends=("w2v/kernel/rng.h",)),
    extension("w2v.kernel._cpu"),
    extension("w2v.kernel._tables"),
    extension("w2v.kernel._state", depends=LOOP),
    extension("w2v.kernel._lanes", depends=LOOP),
    extension("w2v.kernel._loop_baseline", depends=LOOP),
    extension("w2v.kernel._samples", depends=LOOP),
]
if X86_64:
    EXTENSIONS += [
        extension("w2v.kernel._loop_avx2", *on_x86(AVX2), depends=LOOP),
        extension("w2v.kernel._loop_avx512", *on_x86(AVX512), depends=LOOP),
    ]

# What else decides the machine code, beside the sources; the file says it of what is in build/ and of the C files.
MADE_WITH = repr((
    sys.version, Cython.__version__, FLAGS, LINK, DIRECTIVES, AVX2, AVX512, MACHINES, LIMITED,
    [os.environ.get(name) for name in ("CC", "CFLAGS", "CPPFLAGS", "LDFLAGS")],
))  # fmt: skip
STAMP = Path("build", "made-with")
JOBS = re.findall(r"\bparallel=(\d+)", DEBIAN) or [os.environ.get("CPU_COUNT")]
CPUS = int(JOBS[0] or os.cpu_count() or 1)  # Debian's way to say it, conda's, all that there are


def newest(*patterns: str) -> float:
    return max((path.stat().st_mtime for pattern in patterns for path in Path().glob(pattern)), default=0.0)


def forget_removed() -> None:
    """Take out of build/ the modules that are no longer in the sources: setuptools would install them again."""
    compiled = {each.name.replace(".", "/") for each in EXTENSIONS}
    for folder in Path("build").glob("lib*"):
        for built in filter(Path.is_file, folder.rglob("*")):
            path = built.relative_to(folder)
            kept = str(path).partition(".")[0] in compiled if path.suffix == ".so" else path.exists()
            if not kept:
                built.unlink()


def translated(listed: list[Extension]) -> list[Extension]:
    """The extensions with C for sources: what is there already where it is newer than all of ours that Cython reads.

    Cython looks at the age of its own files too. Those are new in each build environment, and a second `pip install .`
    would translate and compile everything again.
    """
    same = STAMP.exists() and STAMP.read_text(encoding="utf-8") == MADE_WITH
    if not same:
        for old in (*Path("build").glob("temp*"), *Path("build").glob("lib*")):
            shutil.rmtree(old)
    ours = newest("setup.py", "w2v/**/*.pxd", "w2v/**/*.pxi")
    stale = []
    for each in listed:
        source = Path(each.sources[0])
        made = source.with_suffix(".c")
        if same and made.exists() and (made == source or made.stat().st_mtime > max(ours, source.stat().st_mtime)):
            each.sources = [str(made)]
        else:
            stale.append(each)
    fresh = [each for each in listed if each not in stale]
    done = cythonize(
        stale, compiler_directives=DIRECTIVES, nthreads=CPUS, force=not same, shared_utility_qualified_name=SHARED
    )
    STAMP.parent.mkdir(exist_ok=True)
    STAMP.write_text(MADE_WITH, encoding="utf-8")
    return fresh + done


forget_removed()
setup(
    ext_modules=translated(EXTENSIONS),
    options={"build_ext": {"parallel": CPUS}, "bdist_wheel": {"py_limited_api": "cp311" if LIMITED else False}},
)
