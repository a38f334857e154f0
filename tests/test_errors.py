"""Errors name settings: a Python program reads `min_count=1`, the command line its own options."""

from __future__ import annotations

import pickle

import pytest

from w2v.errors import CorpusError, Message, SettingsError, UnknownWordError, printable, render, setting


def as_options(name: str, value: object) -> str:
    return f"<{name}>" if value is None else f"<{name}: {value!r}>"


@pytest.mark.parametrize(
    ("value", "plain"),
    [(None, "dim"), (3, "dim=3"), (0.25, "dim=0.25"), (True, "dim=True"), (False, "dim=False"), ("a b", "dim='a b'")],
)
def test_a_setting_reads_as_python_writes_it_and_can_be_shown_in_another_way(value, plain):
    error = CorpusError(f"try {setting('dim', value)} or {setting('max_vocab')}; more")
    assert str(error) == error.args[0] == f"try {plain} or max_vocab; more"
    assert plain in repr(error)
    shown = "<dim>" if value is None else f"<dim: {value!r}>"
    assert render(error.args[0], as_options) == f"try {shown} or <max_vocab>; more"


def test_numbers_of_numpy_are_shown_as_pythons():
    import numpy as np

    assert str(Message(f"{setting('dim', np.int64(3))} {setting('lr', np.float64(0.5))}")) == "dim=3 lr=0.5"


def test_text_of_files_is_never_taken_for_a_setting():
    odd = "\ue000dim\ue001 {dim} " + b"\xed\xa0\x80dim\xed\xa0\x82".decode(errors="surrogateescape")
    assert render(CorpusError(odd).args[0], as_options) == odd


def test_a_setting_that_was_cut_off_leaves_no_trace_of_a_mark():
    text = f"try {setting('min_count', 1)}"
    for length in range(len("try "), len(text)):
        assert str(Message(text[:length])).isascii()


def test_errors_keep_their_settings_when_they_are_pickled():
    for error in (SettingsError(f"{setting('dim')}: wrong"), UnknownWordError("kong", ("king",))):
        again = pickle.loads(pickle.dumps(error))
        assert str(again) == str(error)
        assert render(again.args[0], as_options) == render(error.args[0], as_options)


def test_a_setting_that_a_hostile_file_makes_up_is_text():
    assert str(Message("was \ud800dim\ud801{[\ud802, is 3")) == "was dim, is 3"


def test_what_a_terminal_would_not_print_is_escaped_and_settings_stay():
    assert str(Message(printable(f"\x1b[2J\udc80\u202eé {setting('dim', 3)}"))) == "\\x1b[2J\\x80\\u202eé dim=3"
