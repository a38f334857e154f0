"""Who may enter a cluster: Ray's version, the token's file, clusters that let in too many or too few."""

from __future__ import annotations

import socket
import stat
import threading
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from w2v.cluster import authentication, session
from w2v.cluster.authentication import check_cluster, check_ray, grpc_status, make_token_file, own_token
from w2v.errors import TrainingError, W2VError

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
TOKEN = "0123456789abcdef" * 4


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_USE_TLS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    return tmp_path


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("version", ["2.9.3", "2.51.2", "1.13.0", "0.8"])
def test_a_ray_that_knows_no_tokens_is_refused(version):
    with pytest.raises(W2VError, match=rf"Ray {version} is installed, which has no authentication: .*'ray>=2\.52'"):
        check_ray(SimpleNamespace(__version__=version))


@pytest.mark.parametrize("version", ["2.52.0", "2.60.0", "3.0.0.dev0"])
def test_a_ray_that_knows_tokens_is_taken(version, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # whether it asks for them is seen in a cluster
    check_ray(SimpleNamespace(__version__=version))


def test_the_extras_ask_for_a_ray_that_knows_tokens():
    asked = [part.split('"')[0] for part in PROJECT.read_text().split('"ray>')[1:]]
    assert asked == ["=" + ".".join(map(str, authentication.OLDEST))]


def test_a_token_is_made_that_only_its_owner_can_read(home):
    make_token_file()
    folder, file = home / ".ray", home / ".ray" / "auth_token"
    assert (mode(folder), mode(file)) == (0o700, 0o600)
    assert len(file.read_text()) == 64
    assert own_token() == file.read_text()
    assert [path.name for path in folder.iterdir()] == ["auth_token"]


def test_a_token_that_others_could_read_is_kept_and_closed_to_them(home):
    folder, file = home / ".ray", home / ".ray" / "auth_token"
    folder.mkdir(mode=0o755)
    file.write_text(TOKEN + "\n")
    file.chmod(0o644)
    make_token_file()
    assert (mode(folder), mode(file)) == (0o700, 0o600)
    assert own_token() == TOKEN


def test_an_empty_token_is_replaced(home):
    (home / ".ray").mkdir()
    (home / ".ray" / "auth_token").touch()
    make_token_file()
    assert len(own_token()) == 64


def test_no_file_is_made_where_the_token_is_in_the_environment(home, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    make_token_file()
    assert own_token() == TOKEN
    assert list(home.iterdir()) == []


@pytest.fixture
def cluster():
    """A server that answers as gRPC does, with the status that `answers` has for a call's token; its address."""
    answers = {}
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                asked = b""
                while not asked.endswith(bytes([0, 0, 5, 0, 1, 0, 0, 0, 1]) + bytes(5)):  # the call's empty message
                    asked += connection.recv(4096)
                token = TOKEN if TOKEN.encode() in asked else "other" if b"Bearer" in asked else None
                status = str(answers[token]).encode()
                head = b"\x88@\x0bgrpc-status" + bytes([len(status)]) + status
                connection.sendall(bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
                for byte in bytes([0, 0, len(head), 1, 5, 0, 0, 0, 1]) + head:  # it may come in pieces
                    connection.sendall(bytes([byte]))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield SimpleNamespace(address=f"127.0.0.1:{server.getsockname()[1]}", answers=answers)
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


def test_statuses_of_one_and_two_digits_are_read_from_pieces(cluster):
    cluster.answers[None] = 16
    cluster.answers[TOKEN] = 0
    assert (grpc_status(cluster.address, None), grpc_status(cluster.address, TOKEN)) == (16, 0)


@pytest.mark.parametrize(
    ("answers", "settings", "said"),
    [
        ({None: 0, TOKEN: 0}, {"RAY_AUTH_TOKEN": TOKEN}, "it asks for no token: whoever reaches it may run programs"),
        ({None: 16}, {}, r"there is no token here; copy .*\.ray/auth_token from its head node"),
        ({None: 16, "other": 16}, {"RAY_AUTH_TOKEN": "x"}, "it refuses the token in RAY_AUTH_TOKEN"),
        ({None: 16}, {"RAY_AUTH_MODE": "disabled"}, "it asks for a token; set RAY_AUTH_MODE=token"),
    ],
)
def test_a_cluster_that_lets_in_too_many_or_too_few_is_refused(home, cluster, monkeypatch, answers, settings, said):
    cluster.answers.update(answers)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(TrainingError, match=said):
        check_cluster(cluster.address)


@pytest.mark.parametrize(
    ("answers", "settings"),
    [({None: 16, TOKEN: 0}, {"RAY_AUTH_TOKEN": TOKEN}), ({None: 0}, {"RAY_AUTH_MODE": "disabled"})],
)
def test_a_cluster_that_lets_in_those_with_the_token_is_taken(home, cluster, monkeypatch, answers, settings):
    cluster.answers.update(answers)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    check_cluster(cluster.address)


@pytest.mark.parametrize("way", ["connected", "RAY_ADDRESS", "several"])
def test_a_cluster_whose_address_nobody_wrote_is_looked_at_too(home, cluster, monkeypatch, way):
    """The program is connected already, or Ray finds the cluster."""
    cluster.answers[None] = 0
    context = SimpleNamespace(gcs_address=cluster.address)
    ray = SimpleNamespace(
        is_initialized=lambda: way == "connected", get_runtime_context=lambda: context, shutdown=lambda: None
    )
    monkeypatch.setattr(session, "load_ray", lambda: ray)
    monkeypatch.setattr(session, "hushed", nullcontext)
    monkeypatch.setattr(session, "join", lambda *_: None)
    monkeypatch.setattr(session, "clusters_here", lambda: {"192.0.2.1:1", "192.0.2.2:1"} if way == "several" else set())
    if way == "RAY_ADDRESS":
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    else:
        monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    with pytest.raises(TrainingError, match="it asks for no token"), session.session("auto", 1):
        pass
