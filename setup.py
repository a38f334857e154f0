"""The list of compiled extensions and their flags; everything else is in pyproject.toml.

One training loop is compiled several times, once for each instruction set; which one runs is decided at run time, so
nothing here depends on the CPU that builds. W2V_DEBUG=1 turns bounds checks on, W2V_SANITIZE=address the sanitizer.
"""

import os
import platform

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup

DEBUG = os.environ.get("W2V_DEBUG") == "1"
SANITIZE = os.environ.get("W2V_SANITIZE", "")
X86_64 = platform.machine().lower() in ("x86_64", "amd64") and "-m32" not in os.environ.get("CFLAGS", "")

# -O3 is ours to set: setuptools lets CFLAGS replace the flags that Python was built with.
FLAGS = ["-O1", "-g"] if DEBUG or SANITIZE else ["-O3", "-g0"]
FLAGS += ["-std=gnu11", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"]
FLAGS += ["-Wno-unused-function", "-Wno-unreachable-code", "-Wno-psabi"]
LINK = []
if SANITIZE:
    FLAGS += [f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer"]
    LINK += [f"-fsanitize={SANITIZE}"]
AVX2 = ["-mavx2", "-mfma", "-mbmi2", "-mf16c"]
AVX512 = [*AVX2, "-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mprefer-vector-width=512"]

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": DEBUG,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": DEBUG,
    "embedsignature": True,
    "freethreading_compatible": True,
}


def extension(name: str, *flags: str, depends: tuple[str, ...] = ()) -> Extension:
    path = name.replace(".", "/") + ".pyx"
    return Extension(
        name, [path], extra_compile_args=[*FLAGS, *flags], extra_link_args=LINK, depends=list(depends),
        include_dirs=[numpy.get_include(), "w2v/training", "w2v/corpus", "w2v/vectors"],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
    )


LOOP = tuple(f"w2v/training/{name}" for name in ("_loop.pxi", "simd.h", "vec.h", "block.h", "rng.h"))
ENCODE = tuple(f"w2v/corpus/{name}.h" for name in ("scan", "table", "encode"))
ROWS = tuple(f"w2v/vectors/{name}.h" for name in ("memory", "words", "mapped", "rows", "decimal", "text"))
EXTENSIONS = [
    extension("w2v.corpus._assembly", depends=ENCODE),
    extension("w2v.corpus._blocks"),
    extension("w2v.corpus._encode", depends=ENCODE),
    extension("w2v.corpus._census", depends=("w2v/corpus/census.h",)),
    extension("w2v.corpus._ids", depends=ENCODE),
    extension("w2v.corpus._phrases", depends=("w2v/corpus/pairs.h",)),
    extension("w2v.corpus._rank", depends=("w2v/corpus/rank.h",)),
    extension("w2v.corpus._sequences", depends=ENCODE),
    extension("w2v.vectors._best"),
    extension("w2v.vectors._words", depends=ROWS),
    extension("w2v.vectors._scan", depends=ROWS),
    extension("w2v.vectors._collect", depends=ROWS),
    extension("w2v.vectors._text", depends=ROWS),
    extension("w2v.cluster._rows"),
    extension("w2v.seeing._layout", depends=("w2v/training/rng.h",)),
    extension("w2v.training._cpu"),
    extension("w2v.training._tables"),
    extension("w2v.training._state", depends=LOOP),
    extension("w2v.training._loop_baseline", depends=LOOP),
    extension("w2v.training._samples", depends=LOOP),
]
if X86_64:
    EXTENSIONS += [
        extension("w2v.training._loop_avx2", *AVX2, depends=LOOP),
        extension("w2v.training._loop_avx512", *AVX512, depends=LOOP),
    ]

CPUS = os.cpu_count() or 1
setup(
    ext_modules=cythonize(EXTENSIONS, compiler_directives=DIRECTIVES, nthreads=CPUS),
    options={"build_ext": {"parallel": CPUS}},
)
