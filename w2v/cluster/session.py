"""Ray started or joined, in the safe way: token authentication, no dashboard, a cluster of one machine on loopback.

What Ray does to the process that calls it is undone: it sets a handler for SIGTERM, and starts its processes in the
caller's process group, so that a signal to the group (a closed terminal, `timeout`) would end them before the training
is kept. And what it leaves behind is removed: processes, and a folder of logs and sockets for each cluster.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from w2v.cluster.authentication import check_cluster, check_ray, make_token_file, part_of_ray, token_wanted
from w2v.errors import TrainingError, W2VError, setting

__all__ = ["Head", "HeadLost", "apart", "load_ray", "session"]

QUIET = {"log_to_driver": False, "logging_level": "ERROR"}
HEAD_S = 5.0  # a head node that has not answered for so long is gone
LOOK_S = 1.0  # between two looks at it
CONNECT_S = 1.0
LONGEST_FOLDER = 40  # bytes: a socket's path in it has 64 more, and may have 107


def load_ray() -> Any:
    """The module ray; W2VError with the way to install it where it is not there, or too old."""
    os.environ.setdefault("RAY_AUTH_MODE", "token")  # read when Ray is imported
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # it leaves the variables of GPUs alone
    try:
        import ray
    except ImportError:
        raise W2VError(f"{setting('cluster')}: Ray is not installed: pip install 'w2v[cluster]'") from None
    check_ray(ray)
    return ray


@contextlib.contextmanager
def session(address: str, cpus: int | None) -> Iterator[Any]:
    """Ray, connected to `address`: HOST:PORT, or `auto` for the cluster that this machine is in or a new one.

    A new one has `cpus` CPUs (None: all), listens on the loopback address only and ends with the session; so `auto`
    joins none that listens there only: it is that of another run. Where the program is connected already, that
    connection is used and left alone.
    """
    ray = load_ray()
    if ray.is_initialized():
        check_cluster(ray.get_runtime_context().gcs_address)
        yield ray
        return
    if address == "auto" and not os.environ.get("RAY_ADDRESS"):
        running = sorted(found for found in clusters_here() if not is_loopback(found))
        if not running:
            with started(ray, cpus):
                yield ray
            return
        if len(running) == 1:
            address = running[0]
    with hushed():
        try:
            join(ray, address)
            if address == "auto":  # which one it is, Ray has found out
                check_cluster(ray.get_runtime_context().gcs_address)
            yield ray
        finally:
            ray.shutdown()


@contextlib.contextmanager
def started(ray: Any, cpus: int | None) -> Iterator[None]:
    """A cluster of this machine alone, connected."""
    only_loopback()
    os.environ.setdefault("RAY_worker_niceness", "0")  # 15 otherwise, beside which the command itself would win
    if token_wanted():
        make_token_file()
    with apart() as folder, hushed():
        try:
            try:
                with at_root(), signals_kept():
                    ray.init(address="local", num_cpus=cpus, include_dashboard=False, _temp_dir=folder, **QUIET)
            except Exception as error:  # Ray has many kinds
                raise TrainingError(
                    f"{setting('cluster', 'auto')}: Ray could not be started: {first_line(error)}"
                ) from error
            check_cluster(ray.get_runtime_context().gcs_address)
            yield
        finally:
            with contextlib.suppress(Exception):  # half a cluster, where a signal came while it was started
                ray.shutdown()


def join(ray: Any, address: str) -> None:
    """Connect to a cluster that is running."""
    if address != "auto":
        check_cluster(address)
        if is_loopback(address) and f"127.0.0.1:{address.rpartition(':')[2]}" in clusters_here():
            only_loopback()  # else Ray looks for it at the address that this machine has in its network
    try:
        with at_root(), signals_kept():
            ray.init(address=address, **QUIET)
    except Exception as error:
        raise TrainingError(
            f"{setting('cluster', address)}: {first_line(error)}; on this machine too, run: ray start"
            " --address=HOST:PORT (with the cluster's token, see docs/cluster.md)"
        ) from error


@contextlib.contextmanager
def at_root() -> Iterator[None]:
    """Within, the current folder is the root: Ray lets all workers import from it, and a checkout of w2v holds a
    package w2v that is not the one that runs."""
    before = os.getcwd()
    os.chdir("/")
    try:
        yield
    finally:
        os.chdir(before)


@contextlib.contextmanager
def signals_kept() -> Iterator[None]:
    """Within, Ray may set no handler for SIGTERM: its own ends the program at once, with exit code 15."""
    utils = part_of_ray("_private.utils")
    ours, main = signal.getsignal(signal.SIGTERM), threading.current_thread() is threading.main_thread()
    with replaced(utils, "set_sigterm_handler", lambda _: None):
        try:
            yield
        finally:
            if main and signal.getsignal(signal.SIGTERM) is not ours:
                signal.signal(signal.SIGTERM, ours)


@contextlib.contextmanager
def hushed() -> Iterator[None]:
    """Within, Ray prints no errors of its processes: it does so on standard output, which is for data."""
    with replaced(part_of_ray("_private.worker"), "print_to_stdstream", lambda *_, **__: None):
        yield


@contextlib.contextmanager
def apart() -> Iterator[str]:
    """Within, processes that Ray starts are out of reach of signals to this program's group; yields a folder for them.

    Each leads a session of its own, to which its children belong too. Only on Linux, where the system ends them when
    this program is killed; elsewhere Ray needs them in its group for that. Only this user enters the folder; Ray's own,
    /tmp/ray, is open to all and stays. When the context or the program ends, both are gone (reaper.py).
    """
    usual = tempfile.gettempdir()
    folder = tempfile.mkdtemp(
        prefix="w2v-ray-", dir=usual if len(os.fsencode(usual)) < LONGEST_FOLDER - len("/w2v-ray-") - 8 else "/tmp"
    )
    reaper: subprocess.Popen[bytes] = subprocess.Popen(
        [sys.executable, "-I", Path(__file__).with_name("reaper.py"), folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )

    class Popen(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **settings: Any):
            super().__init__(*args, **{**settings, "start_new_session": True})
            assert reaper.stdin is not None
            os.write(reaper.stdin.fileno(), b"%d\n" % self.pid)

        def terminate(self) -> None:
            self.kill()  # they hold nothing that is wanted, and Ray waits a second for each

    try:
        services = part_of_ray("_private.services")
        with replaced(services, "ConsolePopen", Popen if sys.platform == "linux" else services.ConsolePopen):
            yield folder
    finally:
        reaper.communicate()


@contextlib.contextmanager
def replaced(module: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def clusters_here() -> set[str]:
    """Addresses of the clusters of which a node runs on this machine."""
    return set(part_of_ray("_private.services").find_gcs_addresses())


def is_loopback(address: str) -> bool:
    return address.rpartition(":")[0].strip("[]") in ("127.0.0.1", "localhost", "::1")


def only_loopback() -> None:
    """Make a new cluster listen on 127.0.0.1 alone; left to itself Ray listens on every interface.

    It does so where it is set that it need not be reached from elsewhere; the switch is named after the systems on
    which that is the default.
    """
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # for the processes that it starts
    part_of_ray("_private.ray_constants").ENABLE_RAY_CLUSTER = False


def first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


class HeadLost(TrainingError):
    """The head node of the cluster is gone. For a minute more, what the nodes have trained can be fetched."""


class Head:
    """The head node of the cluster. Ray waits a minute for one that is gone, then ends the program without a word."""

    def __init__(self, ray: Any):
        self.address: str = ray.get_runtime_context().gcs_address
        self._looked_at = 0.0
        self._silent_since: float | None = None

    def check(self) -> None:
        """HeadLost if it could not be reached for some seconds. To be called often: it looks once a second."""
        if time.monotonic() - self._looked_at >= LOOK_S:
            self.answers()

    def answers(self) -> bool:
        """Whether it can be reached now; HeadLost if it could not for some seconds."""
        host, _, port = self.address.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()
            self._silent_since = None
        except OSError as error:
            now = time.monotonic()
            self._silent_since = self._silent_since or now
            if now - self._silent_since >= HEAD_S:
                why = error.strerror or error
                raise HeadLost(
                    f"{setting('cluster')}: the head node at {self.address} has not answered for {HEAD_S:g} s ({why})"
                ) from None
        self._looked_at = time.monotonic()
        return self._silent_since is None
