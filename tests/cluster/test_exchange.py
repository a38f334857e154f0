"""Exchanges among nodes that hang, die or cannot be reached at the worst of moments; without Ray, on one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from types import SimpleNamespace

import numpy as np
import pytest

from w2v.cluster import members
from w2v.cluster.exchange import Exchange
from w2v.cluster.members import Member, NodeLost
from w2v.cluster.node import Greeting, Node
from w2v.cluster.synced_rows import Part, SyncedRows
from w2v.kernel._state import Model
from w2v.training.config import TrainConfig

WORDS, DIM = 40, 4
PART = Part(5, 35)


class Reference:
    """What a call will return; past the first value it is held by a node that may not be reachable."""

    def __init__(self, holder, far):
        self.holder, self.far = holder, far
        self.value = asyncio.get_running_loop().create_future()
        self.value.add_done_callback(lambda value: value.exception())

    def __await__(self):
        return self.fetch().__await__()

    async def fetch(self):
        value = await asyncio.shield(self.value)
        if self.far:
            await self.holder.reachable.wait()
        return value


class Actor:
    """A node behind calls that take a while. `hang(call)`: neither this call nor any that is made later ends."""

    def __init__(self, node):
        self.node, self.dead = node, False
        self.runs, self.reachable = asyncio.Event(), asyncio.Event()
        self.runs.set()
        self.reachable.set()
        self.before = {}  # call -> what happens first
        self.calls = []

    def hang(self):
        self.runs.clear()

    def __getattr__(self, name):
        return SimpleNamespace(
            remote=lambda *args: self.call(name, 1, args)[0],
            options=lambda num_returns: SimpleNamespace(remote=lambda *args: self.call(name, num_returns, args)),
        )

    def call(self, name, returns, args):
        references = [Reference(self, far=i > 0) for i in range(returns)]
        task = asyncio.ensure_future(self.work(name, references, args))
        self.calls.append(task)
        return references

    async def work(self, name, references, args):
        args = [await arg if isinstance(arg, Reference) else arg for arg in args]
        if name in self.before:
            await self.before.pop(name)()
        await self.runs.wait()
        await asyncio.sleep(0.001)
        if self.dead:
            for reference in references:
                reference.value.set_exception(NodeLost("dead"))
            return
        values = 0 if name == "greet" else getattr(self.node, name)(*args)
        for reference, value in zip(references, values if len(references) > 1 else [values], strict=True):
            reference.value.set_result(value)


class Nodes:
    """Members that are heard of as long as they run, and the exchange among them."""

    def __init__(self, count):
        config = TrainConfig(dim=DIM, threads=1).resolved()
        self.members, self.lost = [], []
        for number in range(count):
            counts = np.arange(WORDS, 0, -1)
            model = Model(counts, config)
            model.fill_inputs(0, WORDS)
            node = Node()
            node.setup, node.synced = SimpleNamespace(combine="mean"), SyncedRows(model, counts)
            node.replica = SimpleNamespace(spent=0.0)
            self.members.append(Member(number, str(number), Actor(node), Greeting("host", number, 1, "")))
        self.all = list(self.members)
        self.exchange = Exchange(lambda: list(self.members), self.lose, (WORDS, WORDS), DIM)

    def lose(self, member, error):
        if member.alive:
            member.alive = False
            member.end.set_result(None)
            self.members.remove(member)
            self.lost.append(member.number)

    async def beat(self):
        while True:
            for member in self.all:
                if member.actor.runs.is_set() and not member.actor.dead:
                    member.heard = time.monotonic()
            await asyncio.sleep(0.002)

    def train(self):
        """Each node changes each row of its own, by its number + 1."""
        for number, member in enumerate(self.all):
            for matrix in member.actor.node.synced.model:
                matrix += number + 1

    def bases(self, matrix=0):
        return [member.actor.node.synced.base[matrix] for member in self.members]

    def check_equal(self):
        for matrix in (0, 1):
            for base in self.bases(matrix):
                np.testing.assert_array_equal(base, self.bases(matrix)[0])


def play(count, scene, least_s=0.1):
    """Run `scene(nodes)` with limits of a tenth of a second."""

    async def run():
        nodes = Nodes(count)
        beat = asyncio.ensure_future(nodes.beat())
        try:
            await asyncio.wait_for(scene(nodes), 20)
        finally:
            for task in [beat, *(call for member in nodes.all for call in member.actor.calls)]:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        return nodes

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(members, "LEAST_S", least_s)
        return asyncio.run(run())


def rises(nodes, before):
    """By how much the rows of the part have risen in what the nodes have in common."""
    return np.unique(np.round(nodes.bases()[0][PART.first : PART.stop] - before[PART.first : PART.stop], 2)).tolist()


@pytest.mark.parametrize("call", ["collect", "combine", "apply"])
def test_a_node_that_hangs_is_given_up_and_the_others_exchange_without_it(call):
    async def scene(nodes):
        before, hung = nodes.bases()[0].copy(), nodes.members[1].actor
        nodes.train()
        hung.before[call] = lambda: asyncio.sleep(0, hung.hang())
        await nodes.exchange.run([PART])
        assert nodes.lost == [1]
        nodes.check_equal()
        # A result that was there before the node hung counts; else its changes are lost with it.
        assert rises(nodes, before) in ([2.0], [8 / 4])
        hung.runs.set()  # it wakes up, and what was asked of it is done: nobody cares
        await asyncio.sleep(0.05)
        await nodes.exchange.run([PART])
        nodes.check_equal()

    play(3, scene)


def test_a_node_whose_results_cannot_be_fetched_is_given_up():
    async def scene(nodes):
        before = nodes.bases()[0].copy()
        nodes.train()
        nodes.members[2].actor.reachable.clear()
        await nodes.exchange.run([PART])
        assert nodes.lost == [2]
        assert rises(nodes, before) == [1.5]
        nodes.check_equal()

    play(3, scene)


def test_who_misses_the_results_gets_the_rows_and_a_late_call_changes_nothing():
    async def scene(nodes):
        before, owner, late = nodes.bases()[0].copy(), nodes.members[0], nodes.members[1].actor
        wake = asyncio.Event()
        nodes.train()

        async def die_when_others_have_them():
            owner.actor.dead = True
            await asyncio.sleep(0.02)
            nodes.lose(owner, NodeLost("dead"))

        owner.actor.before["apply"] = die_when_others_have_them
        late.before["apply"] = wake.wait
        await nodes.exchange.run([PART])
        assert nodes.lost == [0]
        nodes.check_equal()
        assert rises(nodes, before) == [2.5]  # of 1, 2, 3 and 4
        wake.set()
        await asyncio.sleep(0.02)
        nodes.check_equal()
        for member in nodes.members:  # nothing was trained since
            model, base = member.actor.node.synced.model[0], member.actor.node.synced.base[0]
            np.testing.assert_allclose(model[PART.first : PART.stop], base[PART.first : PART.stop], atol=1e-5)

    play(4, scene)


def test_rows_come_from_another_donor_when_the_first_one_hangs():
    async def scene(nodes):
        donor, second, member = nodes.members
        for node in (donor, second):
            node.actor.node.synced.base[0] += 5
        donor.actor.before["give"] = lambda: asyncio.sleep(0, donor.actor.hang())
        assert await nodes.exchange.hand_over([donor, second], member, 0, WORDS)
        assert nodes.lost == [0]
        nodes.check_equal()

    play(3, scene)


def test_nobody_is_given_up_when_nothing_at_all_answers_for_a_while():
    async def scene(nodes):
        nodes.train()
        for member in nodes.members:
            member.actor.hang()
        call = asyncio.ensure_future(nodes.exchange.run([PART]))
        await asyncio.sleep(0.4)
        assert not call.done()
        for member in nodes.members:
            member.actor.runs.set()
        await call
        assert nodes.lost == []
        nodes.check_equal()

    play(3, scene)


def test_all_nodes_may_be_slow():
    async def scene(nodes):
        nodes.train()
        for member in nodes.members:
            member.actor.before["collect"] = lambda: asyncio.sleep(0.4)
        await nodes.exchange.run([PART])
        assert nodes.lost == []
        nodes.check_equal()

    play(3, scene)


def test_a_coordinator_that_stood_still_blames_nobody():
    async def scene(nodes):
        async def stop():
            time.sleep(0.4)  # as if it wrote a checkpoint: nothing can be heard
            await asyncio.sleep(0.01)

        nodes.members[0].actor.before["combine"] = stop
        nodes.train()
        await nodes.exchange.run([PART])
        assert nodes.lost == []

    play(3, scene)


@pytest.mark.parametrize("seed", range(12))
def test_the_nodes_that_are_left_agree_after_any_failures(seed):
    draw = random.Random(seed)

    async def scene(nodes):
        for _ in range(3):
            nodes.train()
            for member in draw.sample(nodes.members, min(2, len(nodes.members) - 1)):
                actor = member.actor
                act = draw.choice(
                    [actor.hang, actor.reachable.clear, lambda a=actor: setattr(a, "dead", True), lambda: None]
                )
                wait_s = draw.choice([0, 0, 0.01, 0.15])
                name = draw.choice(["collect", "combine", "apply", "give", "close", "adopt"])
                actor.before[name] = lambda act=act, wait_s=wait_s: asyncio.sleep(wait_s, act())
            await nodes.exchange.run([PART])
            nodes.check_equal()
            for member in nodes.all:
                if member.number in nodes.lost:
                    member.actor.runs.set()  # what was given up comes back
                    member.actor.reachable.set()
            await asyncio.sleep(0.01)
            nodes.check_equal()
        assert nodes.members

    play(5, scene, least_s=0.05)


@pytest.mark.parametrize("others", [1, 2])
def test_a_node_that_is_left_alone_exchanges_no_more(others):
    async def scene(nodes):
        nodes.train()
        for member in nodes.members[1:]:
            member.actor.before["collect"] = lambda actor=member.actor: asyncio.sleep(0, actor.hang())
        await nodes.exchange.run([PART])
        assert sorted(nodes.lost) == list(range(1, others + 1))
        calls = len(nodes.members[0].actor.calls)
        await nodes.exchange.exchange(PART)
        await nodes.exchange.run([PART])
        assert len(nodes.members[0].actor.calls) == calls

    play(others + 1, scene)
