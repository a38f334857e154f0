"""Ray started or joined, in the safe way: token authentication, no dashboard, a cluster of one machine on loopback."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from typing import Any

from w2v.errors import TrainingError, W2VError

__all__ = ["load_ray", "session"]

KNOCK_S = 5.0
HTTP2_SETTINGS = 4  # RFC 9113, 6.5: the first frame of either side
HTTP2_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, HTTP2_SETTINGS, 0, 0, 0, 0, 0])
WHERE = "give the address that `ray start --head` told, or auto on a machine of the cluster"


def load_ray() -> Any:
    """The module ray; W2VError with the way to install it where it is not there."""
    os.environ.setdefault("RAY_AUTH_MODE", "token")  # read when Ray is imported
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "error")  # else it warns on standard error while it tries to connect
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # GPUs are none of our business
    try:
        import ray
    except ImportError:
        raise W2VError("--cluster: Ray is not installed: pip install 'w2v[cluster]'") from None
    return ray


@contextlib.contextmanager
def session(address: str, cpus: int | None) -> Iterator[Any]:
    """Ray, connected to `address`: HOST:PORT, or `auto` for the cluster that this machine is in or a new one.

    A new one has `cpus` CPUs (all unless told), listens on the loopback address only and ends with the session; so
    `auto` joins none that listens there only: it is that of another run. Where the program is connected already, that
    connection is used and left alone.
    """
    ray = load_ray()
    if ray.is_initialized():
        yield ray
        return
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        with elsewhere():
            if address == "auto" and not os.environ.get("RAY_ADDRESS"):
                running = sorted(found for found in clusters_here() if not is_loopback(found))
                if not running:
                    start(ray, cpus, quiet)
                elif len(running) == 1:
                    join(ray, running[0], quiet)
            if not ray.is_initialized():
                join(ray, address, quiet)
        yield ray
    finally:
        ray.shutdown()


@contextlib.contextmanager
def elsewhere() -> Iterator[None]:
    """Within, the current folder is the root: Ray lets all workers import from it, and in a checkout of w2v there lies
    a package w2v that is not the one that runs."""
    before = os.getcwd()
    os.chdir("/")
    try:
        yield
    finally:
        os.chdir(before)


def start(ray: Any, cpus: int | None, quiet: dict[str, Any]) -> None:
    """Start a cluster of this machine alone."""
    only_loopback(ray)
    os.environ.setdefault("RAY_worker_niceness", "0")  # 15 otherwise: the command itself is not that modest either
    try:
        ray.init(address="local", num_cpus=cpus, include_dashboard=False, **quiet)
    except Exception as error:  # Ray has many kinds
        raise TrainingError(f"--cluster auto: Ray could not be started: {first_line(error)}") from error


def clusters_here() -> set[str]:
    """Addresses of the clusters of which a node runs on this machine."""
    from ray._private.services import find_gcs_addresses

    return set(find_gcs_addresses())


def is_loopback(address: str) -> bool:
    return address.rpartition(":")[0].strip("[]") in ("127.0.0.1", "localhost", "::1")


def only_loopback(ray: Any) -> None:
    """Make a new cluster listen on 127.0.0.1 alone; left to itself Ray listens on every interface.

    Ray does so where it is told that it need not be reached from elsewhere; the name of the switch tells of the systems
    on which that is the default.
    """
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # for the processes that it starts
    from ray._private import ray_constants

    ray_constants.ENABLE_RAY_CLUSTER = False


def join(ray: Any, address: str, quiet: dict[str, Any]) -> None:
    if address != "auto":
        knock(address)
        if is_loopback(address) and f"127.0.0.1:{address.rpartition(':')[2]}" in clusters_here():
            only_loopback(ray)  # else Ray looks for it at the address that this machine has in its network
    try:
        ray.init(address=address, **quiet)
    except Exception as error:
        raise TrainingError(
            f"--cluster {address}: {first_line(error)}; on this machine too, run: ray start --address=HOST:PORT"
            " (with the cluster's token, see docs/cluster.md)"
        ) from error


def knock(address: str) -> None:
    """See whether gRPC answers at HOST:PORT; Ray itself tries for minutes, also where something else listens."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), KNOCK_S) as connection:
            if os.environ.get("RAY_USE_TLS", "0") != "0":
                return
            connection.sendall(HTTP2_HELLO)
            head = connection.recv(9, socket.MSG_WAITALL)
    except (OSError, ValueError) as error:
        reason = "no answer within 5 s" if isinstance(error, TimeoutError) else getattr(error, "strerror", "") or error
        raise TrainingError(f"--cluster {address}: no cluster answers there ({reason}); {WHERE}") from None
    if len(head) < 9 or head[3] != HTTP2_SETTINGS:
        raise TrainingError(f"--cluster {address}: what answers there is not a Ray cluster; {WHERE}")


def first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
