"""The training loop compiled for avx2; the code is in _loop.pxi, the flags in setup.py."""
include "_loop.pxi"
include "_composed.pxi"
include "_plan.pxi"
include "_rounds.pxi"

NAME = "avx2"
