"""Threads: all are waited for, whatever fails; the first error wins; a refused thread is no crash."""

from __future__ import annotations

import _thread
import io
import re
import threading
import time
from pathlib import Path

import pytest

import w2v.threads
from w2v.corpus.check import check_corpus
from w2v.errors import ThreadError
from w2v.threads import Background, for_each, in_order, run_all

from .waiting import wait_until


@pytest.fixture
def refused(monkeypatch):
    """refused(n): every thread after the first n is refused, as by a system that has no more."""

    def after(allowed: int) -> None:
        real, started = threading.Thread.start, []

        def start(thread: threading.Thread) -> None:
            if len(started) >= allowed:
                raise RuntimeError("can't start new thread")
            started.append(thread)
            real(thread)

        monkeypatch.setattr(threading.Thread, "start", start)

    return after


def alive() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("w2v-")]


def test_threads_are_started_in_one_place():
    package = Path(w2v.threads.__file__).parent
    sources = {path.relative_to(package).as_posix(): path.read_text() for path in package.rglob("*.py")}
    assert [name for name, text in sources.items() if re.search(r"ThreadPool|Thread\(|start_new_thread", text)] == [
        "threads.py"
    ]


@pytest.mark.parametrize("allowed", [0, 1])
def test_a_text_is_checked_where_the_system_refuses_threads(refused, allowed):
    refused(allowed)
    facts = check_corpus(io.BytesIO(b"a b c\n" * 200_000)).facts
    assert (facts["tokens"], facts["types"]) == (600_000, 3)


@pytest.mark.parametrize("threads", [1, 2, 5, 64])
def test_every_task_runs_once(threads):
    done: list[int] = []
    for_each(done.append, 40, threads)
    assert sorted(done) == list(range(40))


@pytest.mark.parametrize("allowed", [0, 1, 2, 3])
def test_where_threads_are_refused_the_others_do_the_work(refused, allowed):
    refused(allowed)
    done: list[int] = []
    for_each(done.append, 40, 8)
    assert sorted(done) == list(range(40))
    assert list(in_order(lambda i: i * i, range(30), 8)) == [i * i for i in range(30)]


@pytest.mark.parametrize("allowed", [0, 1, 3])
def test_functions_that_need_each_other_end_when_one_is_refused(refused, allowed):
    refused(allowed)
    stop, ended = threading.Event(), []

    def work() -> None:
        stop.wait()
        time.sleep(0.05)  # still at work when the group is asked to stop
        ended.append(1)

    fewer = f"use at most {allowed} thread" if allowed else "raise the limit"
    wanted = f"refused to start thread {allowed + 1} of 5; {fewer}"
    with pytest.raises(ThreadError, match=wanted):
        run_all([work] * 5, stop=stop)
    assert len(ended) == allowed
    assert alive() == []


@pytest.mark.parametrize("allowed", [2, 3, 10])
def test_functions_that_only_help_are_left_out_where_threads_are_refused(refused, allowed):
    refused(allowed)
    done = []
    run_all([lambda i=i: done.append(i) for i in range(5)], least=2)
    assert sorted(done) == list(range(min(allowed, 5)))


def test_functions_that_are_needed_are_not_left_out_where_threads_are_refused(refused):
    refused(1)
    with pytest.raises(ThreadError, match="refused to start thread 2 of 5"):
        run_all([lambda: None] * 5, least=2)


def test_the_first_error_is_raised_and_the_others_are_waited_for():
    stop, ended = threading.Event(), []
    both = threading.Barrier(2)

    def first() -> None:
        both.wait()
        raise ValueError("the first")

    def second() -> None:
        both.wait()
        stop.wait()
        ended.append(1)
        raise KeyError("the second")

    with pytest.raises(ValueError, match="the first"):
        run_all([first, second], stop=stop)
    assert ended == [1]


def test_an_error_of_a_task_stops_the_rest():
    done: list[int] = []

    def work(i: int) -> None:
        if i == 3:
            raise ValueError("three")
        done.append(i)

    with pytest.raises(ValueError, match="three"):
        for_each(work, 10_000, 2)
    assert len(done) < 10_000
    assert alive() == []


@pytest.mark.parametrize("place", ["start", "tick", "task"])
def test_ctrl_c_waits_for_those_at_work(monkeypatch, place):
    ended, begun = [], threading.Event()
    stop = threading.Event()

    def work(number: int = 0) -> None:
        begun.set()
        if place == "task" and threading.current_thread() is threading.main_thread():
            time.sleep(0.05)
            raise KeyboardInterrupt
        while not stop.wait(0.01) and place != "task":
            pass
        time.sleep(0.1)
        ended.append(number)

    if place == "start":
        real = threading.Thread.start

        def start(thread: threading.Thread) -> None:
            real(thread)
            begun.wait()
            raise KeyboardInterrupt

        monkeypatch.setattr(threading.Thread, "start", start)
    tick = _thread.interrupt_main if place == "tick" else None
    call = (lambda: for_each(work, 2, 2)) if place == "task" else lambda: run_all([work], stop=stop, on_tick=tick)
    with pytest.raises(KeyboardInterrupt):
        call()
    assert len(ended) == 1
    assert alive() == []


def test_a_thread_that_begins_after_the_caller_gave_up_touches_nothing(monkeypatch):
    """Ctrl-C between the system's start of a thread and its first line: it finds the group closed."""
    real, late, touched = threading.Thread.start, [], []

    def start(thread: threading.Thread) -> None:
        late.append(thread)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(KeyboardInterrupt):
        run_all([lambda: touched.append(1)])
    monkeypatch.undo()
    real(late[0])
    late[0].join()
    assert touched == []


def test_results_come_in_order_and_few_are_made_ahead():
    made: list[int] = []

    def make(i: int) -> int:
        made.append(i)
        return i

    for i, result in enumerate(in_order(make, range(200), 3)):
        assert result == i
        assert len(made) <= i + 1 + 2 * 3 + 3


def test_an_error_while_making_is_raised_in_its_turn_and_a_closed_loop_leaves_no_thread():
    def make(i: int) -> int:
        if i == 5:
            raise ValueError("five")
        return i

    with pytest.raises(ValueError, match="five"):
        list(in_order(make, range(100), 3))
    loop = in_order(lambda i: i, range(100), 3)
    assert next(loop) == 0
    loop.close()
    assert alive() == []


def test_threads_that_wait_for_an_item_end_with_the_loop(monkeypatch):
    monkeypatch.setattr("w2v.threads.TICK_S", 1000.0)
    loop = threading.Thread(target=lambda: list(in_order(str, range(20), 3)), daemon=True)
    loop.start()
    wait_until(lambda: not loop.is_alive(), "the loop has ended")


def test_where_the_next_item_is_not_there_yet_what_is_being_made_comes_first():
    given: list[int] = []

    def items():
        for i in range(5):
            yield i
            yield None
            assert given == list(range(i + 1))

    for result in in_order(lambda i: i, items(), 3):
        given.append(result)
    assert given == list(range(5))


@pytest.mark.parametrize("allowed", [0, 1])
def test_work_in_the_background_is_done_with_or_without_a_thread(refused, allowed):
    refused(allowed)
    assert Background(lambda: 7).result() == 7
    with pytest.raises(ValueError, match="no"):
        Background(lambda: int("no")).result()
