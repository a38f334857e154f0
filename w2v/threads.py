"""The one way to run work on threads.

Whatever fails, a function here returns only when no thread is at work any more, so that the caller may free what they
used: also where the system refuses to start a thread, and where Ctrl-C comes while threads are being started. The first
error wins. Threads are for work that leaves the interpreter lock.

A thread that starts late, after the caller has given up, finds the group closed and touches nothing. So nothing depends
on whether `Thread.start` was interrupted before or after the system had made the thread.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence, Sized
from typing import Generic, TypeVar

from w2v.errors import ThreadError
from w2v.machine import thread_count

__all__ = ["Background", "Group", "for_each", "in_order", "run_all"]

TICK_S = 0.1

Item = TypeVar("Item")
Result = TypeVar("Result")


class Group:
    """Threads that end together. `stop` asks all to end; the first error is kept."""

    def __init__(self, on_stop: Callable[[], object] | None = None, stop: threading.Event | None = None):
        self.stop = stop or threading.Event()
        self.error: BaseException | None = None
        self._on_stop = on_stop
        self._changed = threading.Condition()
        self._closed = False
        self._running = 0
        self._ended = 0
        self._threads: list[threading.Thread] = []

    def start(self, work: Callable[[], object]) -> bool:
        """Run `work` in a new thread; False where the system refuses."""
        thread = threading.Thread(target=self._run, args=(work,), name=f"w2v-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        try:
            thread.start()
        except (RuntimeError, MemoryError):
            self._threads.pop()
            return False
        return True

    def start_all(self, works: Sequence[Callable[[], object]], least: int | None = None) -> None:
        """Start each; ThreadError where the system refuses one, of the first `least` if that is given."""
        for number, work in enumerate(works):
            if not self.start(work):
                if least is not None and number >= least:
                    return
                fewer = f"use at most {number} thread{'s' if number > 1 else ''}, or " if number else ""
                raise ThreadError(
                    f"the system refused to start thread {number + 1} of {len(works)};"
                    f" {fewer}raise the limit on processes"
                )

    def fail(self, error: BaseException) -> None:
        """Keep the error if it is the first, and ask all to end."""
        with self._changed:
            self.error = self.error or error
        self.stop.set()
        if self._on_stop is not None:
            self._on_stop()

    def wait(self, on_tick: Callable[[], object] | None = None, tick_s: float = TICK_S) -> None:
        """Until all that were started have ended. An error of `on_tick`, and Ctrl-C, ask them to end first."""
        ended = False
        next_tick = time.monotonic() + tick_s
        while not ended:
            try:
                with self._changed:
                    ended = self._changed.wait_for(
                        lambda: self._ended == len(self._threads), max(0.0, next_tick - time.monotonic())
                    )
                next_tick = time.monotonic() + tick_s
                if on_tick is not None and self.error is None:
                    on_tick()
            except BaseException as error:  # they still use the caller's memory
                self.fail(error)

    def close(self) -> None:
        """Let no thread begin any more, and wait for those that have begun."""
        while True:
            try:
                with self._changed:
                    self._closed = True
                    while self._running:
                        self._changed.wait()
                for thread in self._threads:
                    if thread.ident is not None:
                        thread.join()
                return
            except BaseException as error:
                self.fail(error)

    def raise_error(self) -> None:
        """Raise the first error of any of them."""
        if self.error is not None:
            raise self.error

    def _run(self, work: Callable[[], object]) -> None:
        with self._changed:
            if self._closed:
                return
            self._running += 1
        try:
            work()
        except BaseException as error:  # raised again in the caller's thread
            self.fail(error)
        finally:
            with self._changed:
                self._running -= 1
                self._ended += 1
                self._changed.notify_all()


def run_all(
    works: Sequence[Callable[[], object]],
    *,
    least: int | None = None,
    stop: threading.Event | None = None,
    on_stop: Callable[[], object] | None = None,
    on_tick: Callable[[], object] | None = None,
    tick_s: float = TICK_S,
) -> None:
    """Run all functions at the same time, each in a thread of its own; returns when all have ended.

    `stop` is set and `on_stop` called at the first error, at Ctrl-C and when a thread cannot be started; the functions
    look at it a few times a second or more. `on_tick` is called in the calling thread, every `tick_s` seconds and at
    the end. Raises the first error of any of them; ThreadError where the system refuses a thread. If `least` is given,
    the first so many can do the work of all, and the others are left out where the system refuses threads.
    """
    group = Group(on_stop, stop)
    try:
        group.start_all(works, least)
        group.wait(on_tick, tick_s)
    except BaseException as error:
        group.fail(error)
    finally:
        group.close()
    group.raise_error()


def for_each(work: Callable[[int], object], tasks: int, threads: int | None = None) -> None:
    """Call work(0) ... work(tasks - 1), each once, about in order, on `threads` threads, the caller's among them.

    The first error stops the rest and is raised. Where the system refuses threads, those that there are do the work.
    """
    helpers = min(thread_count(threads), tasks) - 1
    if helpers <= 0:
        for task in range(tasks):
            work(task)
        return
    pending = iter(range(tasks))
    lock = threading.Lock()
    group = Group()

    def run() -> None:
        while not group.stop.is_set():
            with lock:
                task = next(pending, None)
            if task is None:
                return
            work(task)

    try:
        while helpers and group.start(run):
            helpers -= 1
        run()
        group.wait()
    except BaseException as error:
        group.fail(error)
    finally:
        group.close()
    group.raise_error()


def in_order(
    make: Callable[[Item], Result],
    items: Iterable[Item | None],
    threads: int | None = None,
    stop: threading.Event | None = None,
) -> Generator[Result, None, None]:
    """make(item) of each item, made on several threads and given in order; a few are kept ready ahead.

    Items are taken in the caller's thread. None among them is no item: it says that the next one may be long in coming,
    so that what is being made is given first. Where the system refuses threads, those that there are do the work, or
    the caller's. `stop` is set when the caller gives up, for a `make` that takes long to look at.
    """
    helpers = min(thread_count(threads), len(items) if isinstance(items, Sized) else sys.maxsize)
    group = Group(stop=stop)
    ahead = _Ahead(make, 2 * helpers, group)
    started = 0
    try:
        while helpers > 1 and started < helpers and group.start(ahead.run):
            started += 1
        yield from ahead.results(items) if started else (make(item) for item in items if item is not None)
    except BaseException as error:
        group.fail(error)
        raise
    finally:
        group.stop.set()
        ahead.wake()
        group.close()
    group.raise_error()


class _Ahead(Generic[Item, Result]):
    """Results that threads make, of at most `most` items before they are taken in order."""

    def __init__(self, make: Callable[[Item], Result], most: int, group: Group):
        self.make, self.most, self.group = make, most, group
        self.changed = threading.Condition()
        self.waiting: deque[tuple[int, Item]] = deque()
        self.ready: dict[int, Result] = {}
        self.taken = self.given = 0  # items that were taken; results that the caller has

    def run(self) -> None:
        """The work of each thread."""
        while (found := self._next()) is not None:
            number, item = found
            result = self.make(item)
            with self.changed:
                self.ready[number] = result
                self.changed.notify_all()

    def wake(self) -> None:
        """Threads that wait for an item look at `stop`."""
        with self.changed:
            self.changed.notify_all()

    def _next(self) -> tuple[int, Item] | None:
        with self.changed:
            while not self.waiting and not self.group.stop.is_set():
                self.changed.wait(TICK_S)
            return None if self.group.stop.is_set() else self.waiting.popleft()

    def results(self, items: Iterable[Item | None]) -> Iterator[Result]:
        """In order, up to the first that fails."""
        for item in items:
            if item is not None:
                with self.changed:
                    self.waiting.append((self.taken, item))
                    self.changed.notify_all()
                self.taken += 1
            yield from self._given(0 if item is None else self.most - 1)
            if self.group.error is not None:
                return
        yield from self._given(0)

    def _given(self, most: int) -> Iterator[Result]:
        """What is ready, and more until at most this many are being made."""
        while self.given < self.taken:
            with self.changed:
                if self.taken - self.given <= most and self.given not in self.ready:
                    return
                while self.given not in self.ready and self.group.error is None:
                    self.changed.wait(TICK_S)
                if self.given not in self.ready:
                    return
                result = self.ready.pop(self.given)
                self.given += 1
            yield result


class Background(Generic[Result]):
    """One piece of work beside the caller's, in a thread where the system gives one, else when it is waited for."""

    def __init__(self, work: Callable[[], Result]):
        self._work = work
        self._group = Group()
        self._result: list[Result] = []
        self._lock = threading.Lock()
        try:
            self.started = self._group.start(self._run)
        except BaseException:
            self._group.close()
            raise

    def _run(self) -> None:
        with self._lock:
            if not self._result:
                self._result.append(self._work())

    def result(self) -> Result:
        """What the work returned, or its error raised, when it has ended."""
        if self.started:
            self._group.wait()
            self._group.close()
            if self._group.error is not None:
                raise self._group.error
        else:
            self._run()
        return self._result[0]
