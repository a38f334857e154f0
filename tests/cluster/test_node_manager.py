"""How nodes become members of a training, get its model and are lost; Ray and its actors are stand-ins that keep what
they were asked."""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from w2v.cluster import members, node_manager
from w2v.cluster.members import NodeLost
from w2v.cluster.node import Greeting
from w2v.cluster.node_manager import NodeManager
from w2v.errors import TrainingError
from w2v.training.config import TrainConfig

WORDS, DIM = 5, 4
ROW_BYTES = 4 * DIM


class Actor:
    """A node: its calls, and their answers, `answers[call]`: a value, an error, or a function of the arguments."""

    def __init__(self, options, answers):
        self.options_given, self.answers, self.calls = options, answers, []

    def __getattr__(self, name):
        return SimpleNamespace(
            remote=lambda *args: self.call(name, args),
            options=lambda num_returns: SimpleNamespace(
                remote=lambda *args: [self.call(name, args), *[None] * (num_returns - 1)]
            ),
        )

    def call(self, name, args):
        self.calls.append((name, *args))
        return asyncio.ensure_future(self.answer(self.answers.get(name), args))

    async def answer(self, value, args):
        if callable(value):
            value = value(*args)
        if asyncio.iscoroutine(value):
            value = await value
        if isinstance(value, Exception):
            raise value
        return value

    def asked(self, name):
        return [args for called, *args in self.calls if called == name]


class Ray:
    """As much of it as a NodeManager asks for; `answers` of the actors, in the order in which they are started."""

    def __init__(self, *nodes, answers=()):
        self.found, self.killed, self.actors = list(nodes), [], []
        self.answers = list(answers)

    def nodes(self):
        return self.found

    def get_runtime_context(self):
        return SimpleNamespace(gcs_address="127.0.0.1:1")

    def put(self, value):
        return "setup"

    def remote(self, kind):
        return self

    def kill(self, actor):
        self.killed.append(actor)

    def options(self, **options):
        def start():
            load = {"load": lambda _, threads, first: Greeting("host", first, threads, ""), "greet": 0, "adopt": True}
            more = self.answers[len(self.actors)] if len(self.actors) < len(self.answers) else {}
            self.actors.append(Actor(options, {**load, **more}))
            return self.actors[-1]

        return SimpleNamespace(remote=start)


def node(name, cpus=2.0, alive=True):
    return {"NodeID": name, "Alive": alive, "NodeManagerAddress": f"10.0.0.{name}", "Resources": {"CPU": cpus}}


def play(ray, scene, *, threads=None, model=None, workers=0, loss="ns", least_s=5.0, **constants):
    """Run `scene(manager)`, a NodeManager whose notes are in `told`, `joined` and `gone`."""

    async def run():
        tasks = []
        config = TrainConfig(dim=DIM, threads=1, loss=loss).resolved()
        manager = NodeManager(
            ray,
            SimpleNamespace(vocab=["w"] * WORDS, config=config),
            lambda work: tasks.append(asyncio.ensure_future(work)),
            threads=threads,
            model=model,
            workers=workers,
            on_join=lambda member: manager.joined.append(member.number),
            on_loss=lambda member, error: manager.gone.append((member.number, str(error))),
            tell=lambda line: manager.told.append(line),
        )
        manager.told, manager.joined, manager.gone, manager.tasks = [], [], [], tasks
        manager.head = SimpleNamespace(answers=lambda: True)
        try:
            await asyncio.wait_for(scene(manager), 20)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert not [e for e in ended if isinstance(e, Exception)]

    scheduling = ModuleType("ray.util.scheduling_strategies")
    scheduling.NodeAffinitySchedulingStrategy = lambda node_id, soft: (node_id, soft)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("ray", "ray.util"):
            patch.setitem(sys.modules, name, ModuleType(name))
        patch.setitem(sys.modules, "ray.util.scheduling_strategies", scheduling)
        patch.setattr(members, "LEAST_S", least_s)
        for name, value in constants.items():
            patch.setattr(node_manager, name, value)
        asyncio.run(run())


async def until(over):
    while not over():
        await asyncio.sleep(0.001)


@pytest.mark.parametrize(("threads", "given"), [(None, [3, 2]), (2, [2, 2]), (1, [1, 1])])
def test_each_node_gets_its_threads_and_worker_numbers_of_its_own(threads, given):
    ray = Ray(node("a", 3), node("b"), node("c", 0.5), node("d", alive=False))

    async def scene(manager):
        await manager.begin()
        first, second = ray.actors
        assert first.asked("load") == [["setup", given[0], 7]]
        assert second.asked("load") == [["setup", given[1], 7 + given[0]]]
        assert manager.workers == 7 + sum(given)
        for actor, threads, name in ((first, given[0], "a"), (second, given[1], "b")):
            assert actor.options_given == {
                "num_cpus": threads,
                "max_concurrency": 8,
                "max_restarts": 0,
                "scheduling_strategy": (name, False),
            }
            assert actor.asked("start") == [[True]]
            assert [name for name, *_ in actor.calls] == ["load", "start"]
        assert [(m.number, m.node_id, m.name) for m in manager.members] == [(1, "a", "host/1"), (2, "b", "host/2")]
        assert manager.joined == [1, 2]
        assert manager.free_nodes() == []
        assert manager.told == manager.gone == ray.killed == []

    play(ray, scene, threads=threads, workers=7)


def test_members_join_in_the_order_of_their_numbers_whoever_answers_first():
    answered = []

    async def last(_, threads, first):
        await until(lambda: answered)
        return Greeting("host", first, threads, "")

    async def first(_, threads, first):
        answered.append(True)
        return Greeting("host", first, threads, "")

    async def scene(manager):
        await manager.begin()
        assert manager.joined == [1, 2]

    play(Ray(node("a"), node("b"), answers=[{"load": last}, {"load": first}]), scene)


def test_a_node_that_is_alone_shares_nothing():
    ray = Ray(node("a"))

    async def scene(manager):
        await manager.begin()
        assert ray.actors[0].asked("start") == [[False]]

    play(ray, scene)


def test_nothing_is_asked_of_ray_while_its_head_node_does_not_answer():
    ray = Ray(node("a"))
    answers = iter([False, False, True, True])

    async def scene(manager):
        manager.head = SimpleNamespace(answers=lambda: next(answers))
        await manager.begin()
        assert manager.joined == [1]
        manager.head = SimpleNamespace(answers=lambda: False)
        assert manager.nodes() == []

    play(ray, scene, LOOK_S=0.001)


def test_a_node_with_a_whole_cpu_takes_part():
    ray = Ray(node("a", 1.0), node("b", 0.5), {**node("c"), "Resources": {}})

    async def scene(manager):
        await manager.begin()
        assert manager.joined == [1]
        assert ray.found[0]["NodeID"] == manager.members[0].node_id

    play(ray, scene)


def test_a_node_that_fails_is_named_and_left_alone_after_three_times():
    ray = Ray(node("a"), node("b"), answers=[{"load": NodeLost("no room")}])

    async def scene(manager):
        await manager.begin()
        assert manager.told == ["node 10.0.0.a cannot take part: no room"]
        assert manager.joined == [2]
        assert ray.killed == ray.actors[:1]
        assert not manager.starting
        for failures, free in ((1, ["a"]), (2, ["a"]), (3, [])):
            manager.failures["a"] = failures
            assert [each["NodeID"] for each in manager.free_nodes()] == free
        ray.found = [node("a", alive=False), node("b")]
        manager.failed(node("a"), NodeLost("again"))
        assert manager.failures == {"a": 4}
        assert len(manager.told) == 1  # nothing is said of a node that is dead

    play(ray, scene)


def test_without_any_member_it_is_an_error():
    ray = Ray(node("a"), answers=[{"load": NodeLost("no room")}])

    async def scene(manager):
        with pytest.raises(TrainingError, match="cluster: no node has a CPU that is free"):
            await manager.begin()
        assert manager.failures == {"a": 1}

    play(ray, scene)


def test_a_node_that_does_not_answer_in_time_is_given_up():
    ray = Ray(node("a"), node("b"), answers=[{"load": lambda *_: asyncio.Event().wait()}])

    async def scene(manager):
        await manager.begin()
        assert manager.told == ["node 10.0.0.a cannot take part: it does not answer"]
        assert ray.killed == ray.actors[:1]

    play(ray, scene, BUILD_S=0.02)


def test_a_node_that_builds_a_large_model_has_longer():
    async def scene(manager):
        matrices = 2 * WORDS * ROW_BYTES
        manager.setup.config = SimpleNamespace(dim=DIM)
        greeting = asyncio.ensure_future(manager.greeting(asyncio.ensure_future(asyncio.sleep(0.2, "hello"))))
        assert await greeting == "hello"
        assert matrices / node_manager.BUILD_BYTES_S == pytest.approx(10)

    play(Ray(), scene, BUILD_S=0.0, BUILD_BYTES_S=2 * WORDS * ROW_BYTES / 10)


@pytest.mark.parametrize(("loss", "rows"), [("ns", 10), ("hs", 9)])  # of both matrices
def test_a_node_that_takes_longer_than_the_others_joins_later_with_the_model_as_it_is(loss, rows):
    wake = asyncio.Event()

    async def late(_, threads, first):
        await wake.wait()
        return Greeting("host", first, threads, "")

    ray = Ray(node("a"), node("b"), answers=[{"give": True, "settle": True}, {"load": late}])

    async def scene(manager):
        await manager.begin()
        assert manager.joined == [1]
        await until(lambda: manager.starting == {"b"})
        assert manager.free_nodes() == []
        first, second = ray.actors
        assert first.asked("start") == [[False]]
        wake.set()
        await until(lambda: manager.told)
        assert manager.told == ["node host/2 joins, with 2 threads"]
        assert manager.joined == [1, 2]
        assert second.asked("start") == [[True]]
        assert len(first.asked("settle")) == 1  # it was alone: what it has trained is what all have in common
        blocks = [(m, start, stop) for start, stop in ((0, 2), (2, 4), (4, 5)) for m in (0, 1)]
        blocks = blocks[: None if loss == "ns" else -1]
        assert first.asked("give") == [[*block] for block in blocks]
        assert [(args[1], args[2]) for args in second.asked("adopt")] == [block[:2] for block in blocks]
        assert first.asked("settle")[0][0] < second.asked("adopt")[0][0] < second.asked("adopt")[-1][0]  # numbers
        assert manager.exchange.bytes == rows * ROW_BYTES
        await until(lambda: not manager.starting)
        assert ray.killed == []

    play(ray, scene, loss=loss, least_s=0.05, BLOCK_BYTES=2 * ROW_BYTES + 1)


def test_a_member_among_several_is_not_settled_when_another_joins():
    ray = Ray(node("a"), node("b"), answers=[{"give": True}, {"give": True}])

    async def scene(manager):
        await manager.begin()
        ray.found.append(node("c"))
        (free,) = manager.free_nodes()
        await manager.bring_in(free, manager.start_node(free))
        assert manager.joined == [1, 2, 3]
        assert [len(actor.asked("settle")) for actor in ray.actors] == [0, 0, 0]
        assert [len(actor.asked("give")) for actor in ray.actors] == [2, 0, 0]

    play(ray, scene)


def test_nodes_that_come_later_are_brought_in_once_each():
    ray = Ray(node("a"), answers=[{"give": True, "settle": True}])

    async def scene(manager):
        await manager.begin()
        looking = asyncio.ensure_future(manager.forever())
        ray.found.append(node("b", 4))
        await until(lambda: manager.told)
        await asyncio.sleep(0.02)
        looking.cancel()
        assert manager.told == ["node host/2 joins, with 4 threads"]
        assert len(ray.actors) == 2

    play(ray, scene, LOOK_S=0.002)


def test_a_node_that_the_model_does_not_reach_is_let_go():
    ray = Ray(node("a"), answers=[{"give": NodeLost("gone"), "settle": True}])

    async def scene(manager):
        await manager.begin()
        ray.found.append(node("b"))
        (free,) = manager.free_nodes()
        await manager.bring_in(free, manager.start_node(free))
        assert manager.told == ["node host/2 cannot take part: the model did not reach it"]
        assert ray.killed == ray.actors[1:]
        assert (manager.joined, manager.gone, manager.failures) == ([1], [], {"b": 1})
        assert not manager.starting

    play(ray, scene)


def test_an_error_of_a_node_that_joins_ends_its_actor():
    ray = Ray(node("a"), answers=[{"settle": OSError(28, "No space left on device")}])

    async def scene(manager):
        await manager.begin()
        ray.found.append(node("b"))
        (free,) = manager.free_nodes()
        await manager.bring_in(free, manager.start_node(free))
        assert ray.killed == ray.actors[1:]
        assert manager.told == ["node 10.0.0.b cannot take part: No space left on device"]

    exceptions = ModuleType("ray.exceptions")
    for name in ("RayActorError", "RayError", "RayTaskError"):
        setattr(exceptions, name, type(name, (Exception,), {}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "ray.exceptions", exceptions)
        play(ray, scene)


def test_the_model_of_a_checkpoint_goes_to_each_node_in_blocks():
    model = [np.arange(WORDS * DIM, dtype=np.float32).reshape(WORDS, DIM) + 100 * m for m in (0, 1)]
    ray = Ray(node("a"), node("b"))

    async def scene(manager):
        await manager.begin()
        stamps = set()
        for actor in ray.actors:
            sent = [np.empty((0, DIM), np.float32)] * 2
            assert [(m, start, len(rows)) for _, m, start, rows in actor.asked("adopt")] == [
                (m, start, min(2, WORDS - start)) for m in (0, 1) for start in (0, 2, 4)
            ]
            for _, matrix, _, rows in actor.asked("adopt"):
                sent[matrix] = np.concatenate([sent[matrix], rows])
            np.testing.assert_array_equal(sent, model)
            stamps |= {stamp for stamp, *_ in actor.asked("adopt")}
        assert len(stamps) == 2
        assert manager.joined == [1, 2]

    play(ray, scene, model=model, BLOCK_BYTES=2 * ROW_BYTES)


def test_a_node_that_does_not_take_the_model_of_a_checkpoint_is_no_member():
    model = [np.zeros((WORDS, DIM), np.float32)] * 2
    ray = Ray(node("a"), node("b"), answers=[{"adopt": NodeLost("gone"), "greet": NodeLost("gone")}])

    async def scene(manager):
        await manager.begin()
        assert manager.joined == [2]
        assert len(ray.actors[0].asked("adopt")) == 1
        assert ray.actors[0].asked("start") == []

    play(ray, scene, model=model)


def test_a_member_is_lost_once():
    ray = Ray(node("a"), node("b"))

    async def scene(manager):
        await manager.begin()
        first, second = manager.members
        for why in ("dead", "dead again"):
            manager.lose(first, NodeLost(why))
        assert manager.gone == [(1, "dead")]
        assert (manager.members, manager.lost, manager.failures) == ([second], [first], {"a": 1})
        assert ray.killed == [first.actor]
        assert first.end.done()
        assert not second.end.done()
        assert manager.told == []

    play(ray, scene)


def matrix_rows(matrix, start, stop, _alone):
    return np.arange(start, stop, dtype=np.float32)[:, None].repeat(DIM, 1) + 10 * matrix


def test_the_model_is_fetched_in_blocks_from_whoever_still_has_it():
    gone = NodeLost("dead")
    ray = Ray(node("a"), node("b"), answers=[{"rows": gone, "greet": gone}, {"rows": matrix_rows}])

    async def scene(manager):
        await manager.begin()
        inputs, outputs = await manager.fetch()
        assert inputs.tolist() == matrix_rows(0, 0, 5, True).tolist()
        assert outputs.tolist() == matrix_rows(1, 0, 4, True).tolist()
        blocks = [(0, 0, 2), (0, 2, 4), (0, 4, 5), (1, 0, 2), (1, 2, 4)]
        assert ray.actors[0].asked("rows") == [[0, 0, 2, False]]
        assert ray.actors[1].asked("rows") == [[*block, True] for block in blocks]  # nobody else is left
        assert manager.gone[0][0] == 1

    play(ray, scene, loss="hs", BLOCK_BYTES=2 * ROW_BYTES)


def test_a_member_that_lives_is_asked_again_for_rows_that_did_not_come():
    answers = iter([NodeLost("an object is gone"), np.ones((5, DIM), np.float32)])
    ray = Ray(node("a"), answers=[{"rows": lambda *_: next(answers)}])

    async def scene(manager):
        await manager.begin()
        assert (await manager.fetch_rows(0, 0, 5)).tolist() == [[1.0] * DIM] * 5
        assert manager.joined == [1]
        assert manager.gone == []

    play(ray, scene, RETRY_S=0.001)


def test_a_model_that_nobody_has_any_more_is_an_error():
    ray = Ray(node("a"))

    async def scene(manager):
        await manager.begin()
        manager.lose(manager.members[0], NodeLost("dead"))
        with pytest.raises(TrainingError, match="all nodes are lost, and the model with them"):
            await manager.fetch_rows(0, 0, 5)

    play(ray, scene)
