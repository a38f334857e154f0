"""Which cluster a run joins or starts, and what Ray may not do meanwhile; Ray itself is a stand-in here."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from types import SimpleNamespace

import pytest

from w2v.cluster import session
from w2v.errors import TrainingError

NICENESS = "RAY_worker_niceness"


@pytest.fixture
def ray(monkeypatch):
    """A Ray that notes what is asked of it; `running` are the clusters on this machine."""
    made = SimpleNamespace(said=[], running=[], connected=False, error=None, folder="", handler=None)

    def init(**settings):
        made.said.append(("init", settings, os.getcwd()))
        if made.handler is not None:
            signal.signal(signal.SIGTERM, made.handler)
        if made.error is not None:
            raise made.error

    made.init = init
    made.shutdown = lambda: made.said.append("shutdown")
    made.is_initialized = lambda: made.connected
    made.get_runtime_context = lambda: SimpleNamespace(gcs_address="127.0.0.1:1")
    made.print_to_stdstream = "loud"
    made.set_sigterm_handler = "ray's"
    made.find_gcs_addresses = lambda: list(made.running)
    made.ENABLE_RAY_CLUSTER = True
    monkeypatch.setattr(session, "load_ray", lambda: made)
    monkeypatch.setattr(session, "part_of_ray", lambda name: made)
    monkeypatch.setattr(session, "check_cluster", lambda address: made.said.append(("checked", address)))
    monkeypatch.setattr(session, "make_token_file", lambda: made.said.append("token"))
    monkeypatch.setattr(session, "token_wanted", lambda: True)
    monkeypatch.setattr(session, "apart", lambda: contextlib.nullcontext("/folder"))
    for name in ("RAY_ADDRESS", NICENESS, "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return made


def joined(ray, address: str, cpus: int | None = None) -> list:
    ray.said.clear()
    with session.session(address, cpus) as found:
        assert found is ray
        ray.said.append("used")
    return ray.said


def begun(**settings) -> tuple:
    return ("init", {**settings, **session.QUIET}, "/")


def test_a_connection_of_the_program_is_used_and_left_alone(ray):
    ray.connected = True
    assert joined(ray, "auto") == [("checked", "127.0.0.1:1"), "used"]


def test_where_no_cluster_can_be_joined_one_is_started_that_only_this_machine_reaches(ray):
    mine = begun(address="local", num_cpus=3, include_dashboard=False, _temp_dir="/folder")
    for running in ([], ["127.0.0.1:7"], ["localhost:7", "[::1]:8"]):
        ray.running, ray.ENABLE_RAY_CLUSTER = running, True
        assert joined(ray, "auto", 3) == ["token", mine, ("checked", "127.0.0.1:1"), "used", "shutdown"]
        assert ray.ENABLE_RAY_CLUSTER is False
    assert os.environ[NICENESS] == "0"
    assert os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] == "0"


def test_what_is_set_for_ray_is_kept_and_a_token_is_made_where_one_is_wanted(ray, monkeypatch):
    monkeypatch.setenv(NICENESS, "7")
    monkeypatch.setattr(session, "token_wanted", lambda: False)
    assert "token" not in joined(ray, "auto")
    assert os.environ[NICENESS] == "7"


def test_the_only_cluster_that_others_reach_is_joined(ray):
    ray.running = ["10.0.0.1:6379", "127.0.0.1:7"]
    assert joined(ray, "auto") == [("checked", "10.0.0.1:6379"), begun(address="10.0.0.1:6379"), "used", "shutdown"]
    assert ray.ENABLE_RAY_CLUSTER is True


def test_ray_chooses_among_several_and_by_its_variable(ray, monkeypatch):
    ray.running = ["10.0.0.1:6379", "10.0.0.2:6379"]
    assert joined(ray, "auto") == [begun(address="auto"), ("checked", "127.0.0.1:1"), "used", "shutdown"]
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.3:1")
    ray.running = []
    assert joined(ray, "auto") == [begun(address="auto"), ("checked", "127.0.0.1:1"), "used", "shutdown"]


@pytest.mark.parametrize(("running", "alone"), [(["127.0.0.1:6379"], True), (["127.0.0.1:1", "10.0.0.1:6379"], False)])
def test_a_cluster_on_the_loopback_address_is_looked_for_there(ray, running, alone):
    ray.running = running
    assert joined(ray, "localhost:6379")[0] == ("checked", "localhost:6379")
    assert ray.ENABLE_RAY_CLUSTER is not alone
    ray.ENABLE_RAY_CLUSTER = True
    joined(ray, "10.0.0.1:6379")
    assert ray.ENABLE_RAY_CLUSTER is True


def test_what_ray_says_is_said_in_a_line_and_the_connection_is_closed(ray):
    ray.error = ConnectionError("\n  no route\nmore")
    with pytest.raises(TrainingError) as caught:
        joined(ray, "10.0.0.1:1")
    assert str(caught.value) == (
        "cluster='10.0.0.1:1': ConnectionError: no route; on this machine too, run: ray start --address=HOST:PORT "
        "(with the cluster's token, see docs/cluster.md)"
    )
    assert ray.said[-1] == "shutdown"
    ray.error = ValueError("")
    with pytest.raises(TrainingError, match=r"^cluster='auto': Ray could not be started: ValueError$"):
        joined(ray, "auto")
    assert ray.said[-1] == "shutdown"
    assert os.getcwd() != "/"


@pytest.mark.parametrize("address", ["auto", "10.0.0.1:1"])
def test_ray_prints_nothing_and_takes_no_signal(ray, address):
    def mine(*_):
        pass

    before = signal.signal(signal.SIGTERM, mine)
    try:
        ray.handler = signal.SIG_IGN
        with session.session(address, None):
            assert ray.print_to_stdstream("a", b=1) is None
            assert signal.getsignal(signal.SIGTERM) is mine
        assert (ray.print_to_stdstream, ray.set_sigterm_handler) == ("loud", "ray's")
        with session.signals_kept():
            assert ray.set_sigterm_handler(1) is None
        ray.handler = None
        other = threading.Thread(target=joined, args=(ray, address))
        other.start()
        other.join()
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_address_is_of_this_machine_alone_by_its_host():
    assert all(map(session.is_loopback, ("127.0.0.1:1", "localhost:80", "[::1]:5")))
    assert not any(map(session.is_loopback, ("10.0.0.1:1", "127.0.0.1", "host:127", "")))
