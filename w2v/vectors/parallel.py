"""A loop over numbered tasks on several threads, for work that leaves the interpreter lock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

from w2v.cpus import thread_count

__all__ = ["in_order", "run_parallel"]

Result = TypeVar("Result")


def run_parallel(work: Callable[[int], object], tasks: int, threads: int | None = None) -> None:
    """Call work(0) ... work(tasks - 1), each once, about in order; the first error stops the rest and is raised."""
    helpers = min(thread_count(threads), tasks) - 1
    if helpers <= 0:
        for task in range(tasks):
            work(task)
        return
    pending = iter(range(tasks))
    lock = threading.Lock()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            while not errors:
                with lock:
                    task = next(pending, None)
                if task is None:
                    return
                work(task)
        except BaseException as error:  # raised again by the caller's thread
            errors.append(error)

    crew = [threading.Thread(target=run, daemon=True) for _ in range(helpers)]
    for thread in crew:
        thread.start()
    run()
    for thread in crew:
        while thread.is_alive():
            try:
                thread.join()
            except BaseException as error:  # Ctrl-C: the others still use the caller's memory, so wait for them
                errors.append(error)
    if errors:
        raise errors[0]


def in_order(make: Callable[[int], Result], tasks: int, threads: int | None = None) -> Iterator[Result]:
    """make(0) ... make(tasks - 1), made on several threads and given in order; a few are kept ready ahead."""
    crew_size = min(thread_count(threads), tasks)
    if crew_size <= 1:
        yield from map(make, range(tasks))
        return
    from collections import deque
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(crew_size) as crew:
        ready = deque(crew.submit(make, task) for task in range(min(tasks, 2 * crew_size)))
        ahead = len(ready)
        try:
            while ready:
                result = ready.popleft().result()
                if ahead < tasks:
                    ready.append(crew.submit(make, ahead))
                    ahead += 1
                yield result
        finally:
            for waiting in ready:
                waiting.cancel()
