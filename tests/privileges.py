"""Permissions are put to the test by root too, who passes over them: in a child that has given up that privilege."""

from __future__ import annotations

import ctypes
import os
import sys
import traceback
import warnings
from collections.abc import Callable

import pytest

PR_SET_SECUREBITS, NO_ROOT = 28, 1  # prctl(2): programs that are started later get no privileges from being root's
CAPABILITY_VERSION = 0x20080522


def give_up() -> None:
    """This process, and those that it starts, may no more than any user."""
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)()
    for done in (libc.prctl(PR_SET_SECUREBITS, NO_ROOT, 0, 0, 0), libc.capset(header, sets)):
        if done != 0:
            raise OSError(ctypes.get_errno(), "the privileges could not be given up")


def without_privileges(check: Callable[[], object]) -> None:
    """Call `check`, which asserts, as somebody for whom permissions count."""
    if os.geteuid() != 0:
        check()
        return
    if sys.platform != "linux":
        pytest.skip("root passes over permissions, and only Linux lets it give that up")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a fork beside threads: the child starts none
        child = os.fork()
    if child == 0:
        try:
            give_up()
            check()
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, "see the traceback of the child"
