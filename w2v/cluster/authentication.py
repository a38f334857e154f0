"""Who may enter a cluster: only those who have its token.

Whoever may send Ray a task may run any program on all of its nodes. Ray asks for a token from version 2.52 on; older
ones ignore the setting, silently. So the version is checked, and what a cluster answers to a call without a token. The
own token is tried before Ray connects with it: Ray would repeat that for twenty seconds.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import secrets
import socket
import stat
from pathlib import Path
from typing import Any

from w2v.errors import TrainingError, W2VError, setting

__all__ = ["check_cluster", "check_ray", "grpc_status", "make_token_file", "part_of_ray", "token_wanted"]

OLDEST = (2, 52)  # of Ray
CALL_S = 5.0
HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"  # RFC 9113, 3.4
DATA, HEADERS, SETTINGS = 0, 1, 4  # its frames, section 6
LITERAL = 16  # a header field that is written out (RFC 7541, 6.2.3)
ANY_CALL = "/ray.rpc.NodeInfoGcsService/CheckAlive"
DONE, REFUSED = 0, 16  # gRPC's status codes OK and UNAUTHENTICATED
LARGEST_ANSWER = 1 << 16  # bytes
WHERE = "give the address that `ray start --head` printed, or auto on a machine of the cluster"


def check_ray(ray: Any) -> None:
    """W2VError unless this Ray asks for tokens where RAY_AUTH_MODE says so."""
    numbers = tuple(int(number) for number in re.findall(r"\d+", ray.__version__)[:2])
    if numbers < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise W2VError(
            f"Ray {ray.__version__} is installed, which has no authentication: whoever reaches the cluster may run"
            f" programs on it; pip install 'ray>={wanted}'"
        )
    if not token_wanted():
        return
    raylet = part_of_ray("_raylet")
    if raylet.get_authentication_mode() != raylet.AuthenticationMode.TOKEN:
        raylet.Config.initialize("")  # Ray was imported before RAY_AUTH_MODE was set: it reads its settings anew
    if raylet.get_authentication_mode() != raylet.AuthenticationMode.TOKEN:
        raise W2VError("Ray does not ask for a token although RAY_AUTH_MODE is token; set it before Ray is imported")


def part_of_ray(name: str) -> Any:
    """A module of Ray that it keeps for itself, and that has no types."""
    return importlib.import_module(f"ray.{name}")


def token_wanted() -> bool:
    return os.environ.get("RAY_AUTH_MODE", "").lower() == "token"


def check_cluster(address: str) -> None:
    """TrainingError unless a cluster at HOST:PORT lets this machine in, and nobody who has no token."""
    if os.environ.get("RAY_USE_TLS") == "1":
        return  # with certificates, which both sides ask for
    anyone = grpc_status(address, None)
    if not token_wanted():
        if anyone == REFUSED:
            raise TrainingError(f"{setting('cluster', address)}: it asks for a token; set RAY_AUTH_MODE=token")
        return
    if anyone == DONE:
        raise TrainingError(
            f"{setting('cluster', address)}: it asks for no token: whoever reaches it may run programs on all of its"
            " nodes; start it with RAY_AUTH_MODE=token, or set RAY_AUTH_MODE=disabled here to use it all the same"
        )
    token = own_token()
    if token is None:
        raise TrainingError(
            f"{setting('cluster', address)}: there is no token here; copy {token_file()} from its head node"
        )
    if anyone == REFUSED and grpc_status(address, token) == REFUSED:
        raise TrainingError(
            f"{setting('cluster', address)}: it refuses the token in {token_source()}; give the one that its head node"
            " has"
        )


def grpc_status(address: str, token: str | None, call: str = ANY_CALL) -> int | None:
    """gRPC's status of a call to HOST:PORT without arguments; None if the answer does not say it.

    TrainingError where nothing answers, or something else than gRPC.
    """
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": call,
        ":authority": "w2v",
        "te": "trailers",
        "content-type": "application/grpc",
    }
    if token is not None:
        fields["authorization"] = f"Bearer {token}"
    headers = b"".join(bytes([LITERAL]) + text(name) + text(value) for name, value in fields.items())
    request = HELLO + frame(SETTINGS, 0, b"") + frame(HEADERS, 4, headers) + frame(DATA, 1, bytes(5))
    host, _, port = address.rpartition(":")
    answer = b""
    try:
        with socket.create_connection((host.strip("[]"), int(port)), CALL_S) as connection:
            connection.sendall(request)
            while len(answer) < LARGEST_ANSWER and not (found := STATUS.search(answer)):
                data = connection.recv(4096)
                if not data or (len(answer + data) >= 4 and (answer + data)[3] != SETTINGS):
                    break
                answer += data
    except (OSError, ValueError) as error:
        if not answer:
            silent = f"no answer within {CALL_S:g} s"
            reason = silent if isinstance(error, TimeoutError) else getattr(error, "strerror", "") or error
            raise TrainingError(
                f"{setting('cluster', address)}: no cluster answers there ({reason}); {WHERE}"
            ) from None
    if not answer:
        raise TrainingError(f"{setting('cluster', address)}: what answers there is not a Ray cluster; {WHERE}")
    found = STATUS.search(answer)
    return int(found[1] or found[2]) if found else None


# The field as it is written out, its length before its value: one that is cut is none yet.
STATUS = re.compile(rb"\x0bgrpc-status(?:\x01([0-9])|\x02([0-9]{2}))")


def frame(kind: int, flags: int, payload: bytes) -> bytes:
    """A frame of HTTP/2 (RFC 9113, 4.1); settings are of the connection, all others of the one call."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + (kind != SETTINGS).to_bytes(4, "big") + payload


def text(value: str) -> bytes:
    """A string of a header field with its length before it (RFC 7541, 5)."""
    data = value.encode()
    if len(data) < 127:
        return bytes([len(data)]) + data
    length, rest = [127], len(data) - 127
    while rest > 127:
        length.append(rest & 127 | 128)
        rest >>= 7
    return bytes([*length, rest]) + data


# The token: where Ray looks for it, in this order


def token_file() -> Path:
    return Path.home() / ".ray" / "auth_token"


def token_source() -> str:
    if os.environ.get("RAY_AUTH_TOKEN"):
        return "RAY_AUTH_TOKEN"
    return os.environ.get("RAY_AUTH_TOKEN_PATH") or str(token_file())


def own_token() -> str | None:
    """The token that Ray would send; None where there is none."""
    source = token_source()
    if source == "RAY_AUTH_TOKEN":
        return os.environ[source].strip()
    try:
        return Path(source).read_text().strip() or None
    except FileNotFoundError:
        return None


def make_token_file() -> None:
    """See to a token that only its owner can read: Ray would make it readable for all. OSError where that fails."""
    if token_source() != str(token_file()):
        return
    path = token_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if own_token() is None:
        fresh = path.with_name(f"auth_token.{secrets.token_hex(8)}")
        try:
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(32))
            with contextlib.suppress(FileExistsError):  # another run was quicker
                os.link(fresh, path)
            if own_token() is None:  # it is empty
                os.replace(fresh, path)
        finally:
            fresh.unlink(missing_ok=True)
    for place, mode in ((path.parent, 0o700), (path, 0o600)):
        status = place.stat()
        if status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) & 0o077:
            place.chmod(mode)
