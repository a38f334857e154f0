"""How the command line shows settings and lists: as options of the running command, in blocks that lose nothing."""

from __future__ import annotations

import io
import json

import click
import pytest

from w2v.cli import phrases
from w2v.cli.errors import option_text
from w2v.cli.main import cli
from w2v.corpus.phrases import Phrase


@pytest.fixture
def train():
    """The context of a running `w2v train`."""
    with click.Context(cli) as outer:
        command = cli.get_command(outer, "train")
        with click.Context(command, parent=outer):
            yield


@pytest.mark.parametrize(("name", "value", "shown"), [
    ("min_count", None, "--min-count"), ("min_count", 3, "--min-count 3"), ("held_out", 0.025, "--held-out 2.5%"),
    ("sample", 0.0001, "--sample 0.0001"), ("lr", 0.5, "--lr 0.5"), ("share_negatives", True, "--share-negatives"),
    ("share_negatives", False, "--no-share-negatives"), ("tmp_dir", "a b", "--tmp-dir 'a b'"),
    ("not_there", None, "--not-there"), ("not_there", False, "no --not-there"),
])  # fmt: skip
def test_a_setting_is_shown_as_the_option_of_the_running_command(train, name, value, shown):
    assert option_text(name, value) == shown


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5])
def test_every_phrase_is_in_the_list(monkeypatch, count):
    monkeypatch.setattr(phrases, "LINES", 2)
    found = [Phrase(b"a_b%d" % i, 10 - i, 1.5, 1) for i in range(count)]
    lines, objects = io.BytesIO(), io.BytesIO()
    phrases.write_list(found, None, lines)
    phrases.write_list(found, "json", objects)
    assert lines.getvalue().splitlines() == [b"a_b%d\t%d\t1.500000\t1" % (i, 10 - i) for i in range(count)]
    assert [json.loads(line)["phrase"] for line in objects.getvalue().splitlines()] == [f"a_b{i}" for i in range(count)]
