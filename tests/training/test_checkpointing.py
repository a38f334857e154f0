"""When a checkpoint is due, what is said of it, and what becomes of it: with a clock and a writer of the test's own."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import ClassVar

import pytest

from w2v.errors import SettingsError, TrainingError, W2VError
from w2v.machine import Room
from w2v.training import checkpointing
from w2v.training.checkpointing import Checkpointer, CheckpointSession, CheckpointSettings, take_up
from w2v.training.progress import Reporter


class Said(Reporter):
    def __init__(self):
        self.said: list[tuple[str, str]] = []

    def warn(self, text: str) -> None:
        self.said.append(("warn", text))

    def note(self, text: str, important: bool = False) -> None:
        self.said.append(("important" if important else "note", text))


@pytest.fixture
def clock(monkeypatch):
    """`now` is the time, `free` the memory; `written` has what was written when."""
    made = SimpleNamespace(now=100.0, free=1000, written=[], error=None, digested=0)

    def write(place, state, corpus_config):
        if made.error is not None:
            raise made.error
        made.written.append((made.now, place.path, state, corpus_config))

    monkeypatch.setattr(checkpointing, "room", lambda: Room(made.free, "free"))
    monkeypatch.setattr(checkpointing, "write_checkpoint", write)
    return made


def checkpointer(clock, **more) -> Checkpointer:
    return Checkpointer("c", more.pop("every_s", 10), clock=lambda: clock.now, **more)


def test_a_checkpoint_is_due_as_long_after_the_last_one_as_is_set(clock):
    one = checkpointer(clock, corpus_config="settings")
    assert one.path == "c"
    clock.now = 109.9
    assert not one.due()
    clock.now = 110.0
    assert one.due()
    assert one.write("state")
    assert clock.written == [(110.0, "c", "state", "settings")]
    assert not one.due()
    clock.now = 120.0
    assert one.due()


def test_without_an_interval_none_is_due_even_without_memory(clock):
    one = checkpointer(clock, every_s=0, low_memory=2000)
    clock.now = 1e9
    assert not one.due()
    assert checkpointer(clock, every_s=1e-9).due() is False  # not at once
    clock.free = 0
    one = checkpointer(clock)  # no limit is set
    clock.now += 5
    assert not one.due()


def test_a_run_short_of_memory_is_saved_once_until_there_is_twice_as_much(clock):
    told = []
    one = checkpointer(clock, every_s=1000, low_memory=500, on_low_memory=told.append)
    clock.free = 499
    clock.now += 0.9  # looked at once a second
    assert not one.due()
    clock.now += 0.1
    assert one.due()
    assert one.due()  # it stays so until it is written
    assert one.write("state")
    assert told == [Room(499, "free")]
    for free in (499, 999, 499):  # not enough more
        clock.free = free
        clock.now += 1
        assert not one.due()
    clock.free = 1000
    clock.now += 1
    assert not one.due()
    clock.free = 500
    clock.now += 1
    assert not one.due()
    clock.free = 499
    clock.now += 1
    assert one.due()
    assert one.write("state")
    assert len(told) == 2
    clock.now += 999
    clock.free = 5000
    assert not one.due()
    assert one.write("state")
    assert len(told) == 2


def test_a_failure_is_told_unless_the_run_is_stopping_and_the_next_one_waits_as_long(clock):
    told = []
    one = checkpointer(clock, on_failure=told.append)
    clock.now, clock.error = 110.0, OSError(28, "No space left on device")
    assert one.write("state") is False
    assert (told, one.failure) == ([clock.error], clock.error)
    clock.now = 119.0
    assert not one.due()
    clock.error = W2VError("no")
    assert one.write("state", stopping=True) is False
    assert (len(told), one.failure) == (1, clock.error)
    clock.error = None
    assert one.write("state") is True
    assert one.failure is None
    for error in (TrainingError("diverged"), KeyError("a fault")):
        clock.error = error
        with pytest.raises(type(error)):
            one.write("state")
    assert len(told) == 1


def test_the_digest_of_the_corpus_is_taken_once_beside_the_training(clock):
    one = checkpointer(clock)
    taken = []
    one.prepare(SimpleNamespace(digest=lambda: taken.append(1)))
    assert one.write("state")
    assert one.write("state")
    assert taken == [1]


@pytest.fixture
def kept(monkeypatch, tmp_path):
    """Checkpoints are files that say how their run ended: "ended", or anything else."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checkpointing, "has_ended", lambda path: os.path.exists(path) and read(path) == "ended")


def read(path: str) -> str:
    with open(path) as file:
        return file.read()


def put(**files: str) -> None:
    for name, text in files.items():
        with open(name.replace("_", "."), "w") as file:
            file.write(text)


def test_vectors_are_continued_from_the_checkpoint_beside_them(kept):
    assert take_up("v.bin", None) == (None, "v.bin.checkpoint.next", "v.bin.checkpoint")
    assert take_up("v.bin", "c") == (None, "c.next", "c")
    put(v_bin_checkpoint="ended")
    assert take_up("v.bin", None) == ("v.bin.checkpoint", "v.bin.checkpoint.next", "v.bin.checkpoint")
    put(v_bin_checkpoint_next="ended", v_bin_checkpoint="older")
    assert take_up("v.bin", None) == ("v.bin.checkpoint", "v.bin.checkpoint.next", "v.bin.checkpoint")
    assert (read("v.bin.checkpoint"), os.path.exists("v.bin.checkpoint.next")) == ("ended", False)
    put(v_bin_checkpoint_next="not at its end")
    assert take_up("v.bin", None)[0] == "v.bin.checkpoint"
    assert (read("v.bin.checkpoint"), read("v.bin.checkpoint.next")) == ("ended", "not at its end")


def test_a_next_checkpoint_that_is_being_written_stays_where_it_is(kept, monkeypatch):
    monkeypatch.setattr(checkpointing, "is_being_written", lambda path: path == "c.next")
    put(c_next="ended", c="ended")
    assert take_up("v.bin", "c")[0] == "c"
    assert read("c.next") == "ended"


@pytest.mark.parametrize("output", [None, "/dev/null"])
def test_only_a_file_can_be_continued_beside(kept, output):
    with pytest.raises(SettingsError, match="needs a file of vectors to continue beside; give output"):
        take_up(output, None)


def test_vectors_without_their_checkpoint_are_not_continued(kept):
    put(v_bin="vectors")
    with pytest.raises(W2VError, match=r"v\.bin\.checkpoint: not found, so the training of v.bin cannot be continued"):
        take_up("v.bin", None)
    put(c="half")
    with pytest.raises(W2VError, match="c: not a checkpoint"):  # what is wrong with it
        take_up("v.bin", "c")


def session(said=None, **settings) -> CheckpointSession:
    return CheckpointSession(CheckpointSettings(**settings), said or Said(), "go on so")


def test_a_place_is_needed_to_keep_or_to_resume():
    with pytest.raises(SettingsError, match="keep_checkpoint: give its place, checkpoint='FILE'"):
        session(keep=True)
    with pytest.raises(SettingsError, match="resume: give the checkpoint, resume='FILE'; standard output has none"):
        session(resume=True)
    assert session(resume="other").source == "other"
    assert session(path="c", resume=True).source == "c"
    assert session(path="c").source is None
    session().check()


def test_what_stands_at_the_place_of_a_checkpoint_decides(kept):
    session(path="c").check()
    put(c="half", other="half")
    message = "c: a run that did not end has left this; add resume=True to continue from it, or remove it"
    for more in ({}, {"replace_ended": True}, {"resume": "other"}):
        with pytest.raises(W2VError) as caught:
            session(path="c", **more).check()
        assert str(caught.value) == message
    session(path="c", resume=True).check()
    session(path="c", resume=os.path.abspath("c")).check()
    with pytest.raises(W2VError):
        session(path="c", resume="gone").check()
    put(c="ended")
    with pytest.raises(W2VError, match="c: holds a run that was kept when it ended; give another"):
        session(path="c").check()
    session(path="c", replace_ended=True).check()
    said = Said()
    session(said, path="c", replaces="d").check()
    assert said.said == [("warn", "c: a run that did not end has left this; this run replaces it")]
    with pytest.raises(SettingsError, match="checkpoint: /dev/null is a pipe or a device; give the name of a file"):
        session(path="/dev/null").check()


def test_a_checkpoint_that_another_run_writes_is_left_alone(kept, monkeypatch):
    monkeypatch.setattr(checkpointing, "is_being_written", lambda path: True)
    with pytest.raises(W2VError, match="c: another process is writing it, a run that has not ended yet"):
        session(path="c", resume=True).check()


class Opened:
    """A checkpoint whose settings are as `wrong` says."""

    wrong: Exception | None = None

    def __init__(self, path):
        self.path, self.closed, self.checked = path, False, None
        self.last.append(self)

    last: ClassVar[list[Opened]] = []

    def check_settings(self, *settings):
        self.checked = settings
        if self.wrong:
            raise self.wrong

    def close(self):
        self.closed = True


def test_a_checkpoint_is_opened_with_its_settings_checked(kept, monkeypatch):
    said = Said()
    assert session(said, path="c").open(Opened, 1, 2) is None
    assert session(said, path="c", resume=True).open(Opened, 1, 2) is None
    assert said.said == [("important", "c does not exist: starting from the beginning")]
    put(c="half")
    found = session(said, path="c", resume=True).open(Opened, 1, 2)
    assert (found.path, found.checked, found.closed) == ("c", (1, 2), False)
    assert session(said, path="c", resume="gone").open(Opened, 1, 2).path == "gone"  # what opens it says so
    monkeypatch.setattr(Opened, "wrong", W2VError("other settings"))
    with pytest.raises(W2VError, match="other settings"):
        session(said, path="c", resume=True).open(Opened, 1, 2)
    assert Opened.last[-1].closed


def ending(error: BaseException | None = None, result=lambda: False, said=None, **settings):
    """(what was said, the session) of a run that ended so, or the error that comes out of it."""
    said = said or Said()
    with session(said, path="c", **settings) as one:
        one.trained(result)
        if error is not None:
            raise error
    return said.said, one


def test_after_success_the_checkpoint_is_removed_or_kept(kept):
    put(c="half")
    assert ending()[0] == []
    assert not os.path.exists("c")
    put(c="state")
    asked: list[int] = []
    said, one = ending(keep=True, result=lambda: not asked.append(1))
    assert (said, one.not_kept, asked) == ([], "", [1])
    assert read("c") == "state"
    put(d="older")
    ending(keep=True, replaces="d", result=lambda: True)
    assert (read("d"), os.path.exists("c")) == ("state", False)
    put(c="newer")
    _, one = ending(keep=True, replaces="d", result=lambda: False)
    assert (read("d"), read("c")) == ("state", "newer")
    assert one.not_kept == "the checkpoint could not be kept: nothing was trained"


def test_the_first_is_kept_before_the_outputs_are_moved_or_nothing_is(kept):
    one = session(path="c", keep=True, replaces="d")
    one.begin(SimpleNamespace(failure=OSError(28, "No space left on device", "c")))
    with pytest.raises(TrainingError) as caught:
        one.keep_first()
    assert str(caught.value) == (
        "the checkpoint could not be kept: c: No space left on device; the vectors are as they were before"
    )
    asked: list[int] = []
    one = session(path="c", keep=True, replaces="d")
    one.trained(lambda: not asked.append(1))
    one.keep_first()
    one._keep()
    assert asked == [1]
    other = session(path="c", keep=True)
    other.trained(lambda: not asked.append(1))
    other.keep_first()
    assert asked == [1]


def test_trained_vectors_that_could_not_be_written_are_in_the_checkpoint(kept):
    kept_text = "the trained vectors are kept in c; when that is put right: go on so"
    with pytest.raises(TrainingError) as caught:
        ending(W2VError("v.bin: full"), lambda: True)
    assert str(caught.value) == f"v.bin: full; {kept_text}"
    for error in (BrokenPipeError(), KeyboardInterrupt()):
        said = Said()
        with pytest.raises(type(error)):
            ending(error, lambda: True, said=said)
        assert said.said == [("important", kept_text)]
    with pytest.raises(W2VError, match=r"^v\.bin: full$"):
        ending(W2VError("v.bin: full"), lambda: False)


def test_what_is_said_of_a_run_that_stops_or_fails(kept):
    said = Said()
    one = session(said, path="c")
    assert str(one.failed(TrainingError("it diverged"))) == "it diverged"
    put(c="half")
    assert str(one.failed(TrainingError("it diverged"))) == "it diverged; c holds the run as it was before"
    assert str(session().failed(TrainingError("it diverged"))) == "it diverged"
    one.tell_failure(OSError(28, "No space left on device", "c"))
    one.tell_low_memory(Room(3_000_000, "free of memory"))
    assert said.said == [
        ("warn", "the checkpoint could not be written; the training continues: c: No space left on device"),
        ("warn", "memory is running out, the run is saved now: 3.00 MB are free of memory"),
    ]
    none = one.stopped(0.25, 2)
    assert (none.share, none.checkpoint, none.failure, none.signal) == (0.25, None, None, 2)
    failure = OSError(28, "full")
    one.begin(SimpleNamespace(failure=failure))
    there = one.stopped(0.5, 15)
    assert (there.share, there.checkpoint, there.failure, there.signal) == (0.5, "c", failure, 15)
