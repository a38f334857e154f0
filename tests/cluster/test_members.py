"""A node as the coordinator sees it: its speed, how long it may be silent, and what it is given to do."""

from __future__ import annotations

import asyncio
import math
import time
from types import SimpleNamespace

import pytest

from w2v.cluster import coordinator as coordinator_module
from w2v.cluster import members
from w2v.cluster.coordinator import Coordinator
from w2v.cluster.leases import Done, Lease, Leases, Ledger
from w2v.cluster.members import Deadline, Member, NodeLost, expect, first_line, limit_s
from w2v.cluster.node import Greeting, Report
from w2v.cluster.synced_rows import Schedule
from w2v.errors import CorpusError
from w2v.training.config import TrainConfig
from w2v.training.state import Totals


class Calls:
    """An actor whose calls of `work` are kept, and answered by `answers`, one after the other."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []
        self.work = SimpleNamespace(remote=self.call)

    async def call(self, *args):
        self.asked.append(args)
        if not self.answers:
            await asyncio.Event().wait()
        found = self.answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found


def test_the_speed_of_a_node_is_a_mean_over_about_a_second(monkeypatch):
    async def scene():
        clock = SimpleNamespace(now=100.0)
        monkeypatch.setattr(members, "time", SimpleNamespace(monotonic=lambda: clock.now))
        member = Member(3, "id", None, Greeting("host", 1, 2, "avx2"))
        assert (member.name, member.alive, member.end.done()) == ("host/3", True, False)
        seen = []
        for at, tokens, took in ((100, 500, 2.0), (100.125, 600, 1.0), (100.25, 700, 0.0), (100.75, 1000, 0.0),
                                 (103.75, 1900, 3.0)):  # fmt: skip
            clock.now = at
            member.take(Report(tokens, [], tokens // 10), took)
            seen.append((member.rate, round(member.usual_s, 4)))
            assert (member.tokens, member.ahead, member.heard) == (tokens, tokens // 10, at)
        half = 2800 + 0.5 * (600 - 2800)  # half a second counts half; three seconds, all
        assert seen == [(0, 2.0), (0, 1.96), (2800, 1.9208), (half, 1.8824), (300, 3.0)]

    asyncio.run(scene())


def test_a_call_may_take_five_seconds_five_times_as_long_as_usual_and_the_time_of_its_bytes():
    assert limit_s() == 5
    assert limit_s(2.0) == 15
    assert limit_s(2.0, 50 << 20) == 17


def test_a_deadline_has_passed_after_five_parts_in_which_others_answered():
    async def scene():
        answers = iter([True, False, True, True, True, True])
        deadline = Deadline(0.05, lambda since: next(answers))
        waits = 0
        never = asyncio.get_running_loop().create_future()
        while not deadline.passed:
            assert await deadline.wait([never]) == set()
            waits += 1
        assert waits == 6
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        assert await deadline.wait([never, done]) == {done}
        endless = Deadline(math.inf)
        asyncio.get_running_loop().call_later(0.05, never.set_result, None)
        assert await endless.wait([never]) == {never}
        assert endless.left == 5

    asyncio.run(scene())


def test_what_a_node_raises_is_raised_and_what_it_has_lost_is_its_loss():
    ray = pytest.importorskip("ray.exceptions")

    async def fails(error):
        with pytest.raises(Exception) as caught:  # noqa: PT011
            await expect(Calls(error).call())
        return caught.value

    async def scene():
        known, lost = CorpusError("known"), NodeLost("lost")
        for error in (known, OSError(5, "known")):
            assert await fails(ray.RayTaskError("f", "traceback", error)) is error
        assert await fails(lost) is lost
        assert isinstance(await fails(ray.RayTaskError("f", "traceback", KeyError())), ray.RayTaskError)
        assert isinstance(await fails(KeyError("k")), KeyError)
        gone = await fails(ray.RayTaskError("f", "traceback", ray.RayError("its object\nis gone")))
        assert (type(gone), str(gone)) == (NodeLost, "its object")
        ended = await fails(ray.RayActorError())
        assert (type(ended), str(ended)) == (NodeLost, "its process has ended")
        other = await fails(ray.RayError("odd\nlines"))
        assert (type(other), str(other)) == (NodeLost, "RayError: odd")

    asyncio.run(scene())
    assert first_line(KeyError()) == ""


def served(answers, chunks=(100, 100, 100), limit=5.0, others=()):
    """What a coordinator asked of a member with these answers, what it then knew, and its error."""

    async def scene():
        config = TrainConfig(dim=4, threads=1, epochs=1).resolved()
        setup = SimpleNamespace(vocab=["a", "b"], kept=300, tokens=list(chunks), combine="mean", config=config)
        ray = SimpleNamespace(
            get_runtime_context=lambda: SimpleNamespace(gcs_address="127.0.0.1:1"), put=lambda value: value,
            remote=lambda kind: kind, kill=lambda actor: actor.asked.append("kill"),
        )  # fmt: skip
        told = []
        coordinator = Coordinator(ray, setup, Leases(len(chunks), 1), Ledger(), Schedule(2, 2, 2), sync_every_s=1,
                                  tell=told.append)  # fmt: skip
        member = Member(1, "id", Calls(*answers), Greeting("host", 1, 1, "avx2"))
        coordinator.members += [member, *others]
        coordinator.on_join(member)

        def over():
            return coordinator.leases.over or coordinator.error is not None or not member.alive

        while not over():
            await asyncio.sleep(0.01)
        await coordinator_module.end(coordinator._serving)
        return coordinator, member, told

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(members, "LEAST_S", limit)
        return asyncio.run(asyncio.wait_for(scene(), 20))


def done(chunk, tokens=100):
    return Done(Lease(0, chunk), Totals(trained=tokens, examples=10, loss=2.0), None)


def test_a_node_is_given_two_chunks_and_then_one_for_each_that_it_has_trained():
    reports = [Report(100, [done(0)], 90), Report(150, [], 80), Report(200, [done(1)], 70), Report(300, [done(2)], 0)]
    other = SimpleNamespace(tokens=40, heard=0.0, name="other/2")
    coordinator, member, told = served(reports, others=[other])
    assert coordinator.error is None
    assert told == []
    given = [[lease.chunk for lease in leases] for _, _, leases, _ in member.actor.asked]
    assert given[:4] == [[0, 1], [2], [], []]
    assert [asked[0] for asked in member.actor.asked[:4]] == [40] * 4  # tokens that others have trained
    assert {asked[1] for asked in member.actor.asked} == {2.0}
    assert {asked[3] for asked in member.actor.asked} == {0.1}
    assert coordinator.ledger.totals.trained == member.done_tokens == 300
    assert sorted(coordinator.leases.done) == [Lease(0, 0), Lease(0, 1), Lease(0, 2)]


def test_a_chunk_that_is_finished_twice_counts_once():
    reports = [Report(100, [done(0), done(0)], 90), Report(300, [done(1), done(2)], 0)]
    coordinator, member, _ = served(reports)
    assert coordinator.ledger.totals.trained == member.done_tokens == 300


def test_the_error_of_a_node_ends_the_run():
    error = CorpusError("has changed")
    coordinator, member, _ = served([Report(100, [done(0)], 90, error)])
    assert coordinator.error is error
    assert coordinator.ledger.totals.trained == 100
    assert member.alive


def test_a_node_that_is_lost_gives_its_chunks_back():
    coordinator, member, told = served([Report(100, [done(0)], 90), NodeLost("its process has ended")])
    assert not member.alive
    assert told[0] == "node host/1 is lost (its process has ended); 2 chunks go back to the queue"
    assert not coordinator.leases.held_by(1)
    assert coordinator.nodes.lost == [member]
    assert member.actor.asked[-1] == "kill"
    assert "all nodes are lost" in str(coordinator.error)


def test_a_node_that_does_not_answer_while_others_do_is_given_up():
    other = SimpleNamespace(tokens=0, heard=time.monotonic() + 1000, name="other/2")
    coordinator, member, told = served([], limit=0.1, others=[other])
    assert not member.alive
    assert told == ["node host/1 is lost (it has not answered for 0 s); 2 chunks go back to the queue"]
    assert coordinator.error is None
