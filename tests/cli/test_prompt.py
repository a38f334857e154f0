"""What a prompt says and takes, without a terminal: tests/cli/test_terminal.py types at real ones."""

from __future__ import annotations

import io
import signal
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from w2v.cli import prompt as prompts
from w2v.cli.main import run
from w2v.cli.prompt import Prompt, interruptible, line_editing, prompt_lines
from w2v.cli.signals import Terminated
from w2v.vectors.vectors import Vectors


def prompt_of(words: list[str]) -> Prompt:
    return Prompt("ask> ", Vectors(words, np.ones((len(words), 3), np.float32)), "{0} - {1} + {2}", "Ask.")


FEW = prompt_of(["the", "quick", "question", "qu\x07", "quiet"])


def test_the_greeting_has_an_example_of_words_that_are_there():
    royal = prompt_of(["king", "man", "woman", "queen"])
    assert royal.greeting() == "4 words x 3. Try king - man + woman; help says more, quit ends."
    many = prompt_of([f"w{number}" for number in range(120)])
    assert many.greeting() == "120 words x 3. Try w50 - w100 + w119; help says more, quit ends."
    assert prompt_of(["one"]).greeting() == "1 word x 3. Try one - one + one; help says more, quit ends."
    assert len(many.example_words()) == len(prompts.EXAMPLE)


def test_words_are_completed_in_the_order_of_the_file(monkeypatch):
    odd = prompt_of(["the", "quick", "q\x07", "q\u00a0x", "question", "quiet"])
    assert odd.completions("qu") == ["quick", "question", "quiet"]
    assert odd.completions("q") == ["quick", "question", "quiet"]  # what cannot be shown is left out
    assert odd.completions("") == []
    assert odd.completions("x") == []
    monkeypatch.setattr(prompts, "MOST_COMPLETIONS", 2)
    assert odd.completions("qu") == ["quick", "question"]


def test_ctrl_c_ends_an_answer_and_a_signal_to_end_does_not_stop_there(capsys):
    with FEW.answering():
        raise KeyboardInterrupt
    assert capsys.readouterr().err == "\nstopped; the next question, please\n"
    with pytest.raises(Terminated), FEW.answering():
        raise Terminated(signal.SIGTERM)
    assert capsys.readouterr().err == ""


@pytest.fixture
def typed(monkeypatch):
    """Runs a prompt at which these lines are typed; an exception is raised in place of one."""
    monkeypatch.setitem(sys.modules, "readline", None)
    monkeypatch.setattr(prompts, "is_terminal", lambda stream: True)

    def run(*lines):
        left = list(lines)

        def ask(name):
            assert name == "ask> "
            line = left.pop(0) if left else EOFError()
            if isinstance(line, BaseException):
                raise line
            return line

        monkeypatch.setattr("builtins.input", ask)
        return list(prompt_lines(FEW)), left

    return run


HELLO = FEW.greeting() + "\n"


def test_a_prompt_ends_at_quit_exit_and_the_end(typed, capsys):
    for word in ("quit", "exit"):
        assert typed("king", "", "  ", " a b", word, "more") == (["king", " a b"], ["more"])
        assert capsys.readouterr().err == HELLO
    assert typed("king") == (["king"], [])
    assert capsys.readouterr().err == HELLO + "\n"


def test_help_is_said_at_a_prompt(typed, capsys, monkeypatch):
    monkeypatch.setattr(prompts, "columns", lambda stream: 40)
    assert typed("help", "?", "quit") == ([], [])
    err = capsys.readouterr().err.removeprefix(HELLO)
    half = len(err) // 2
    assert err[:half] == err[half:]
    assert " ".join(err[:half].split()) == f"Ask. {prompts.HELP}"
    assert max(map(len, err.splitlines())) <= 39


def test_ctrl_c_at_a_prompt_says_how_to_leave_at_the_second_time(typed, capsys):
    assert typed(KeyboardInterrupt(), "a", KeyboardInterrupt(), KeyboardInterrupt(), "quit") == (["a"], [])
    assert capsys.readouterr().err == f"{HELLO}\n\n\n(quit or Ctrl-D ends)\n"
    with pytest.raises(Terminated):
        typed(Terminated(signal.SIGTERM))


def test_rows_that_are_redirected_have_the_prompt_on_standard_error(monkeypatch, capsys):
    monkeypatch.setattr(prompts, "is_terminal", lambda stream: False)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"king\ncaf\xe9\n\nno end"), "utf-8"))
    assert list(prompt_lines(FEW)) == ["king", "caf\udce9", "no end"]
    assert capsys.readouterr().err == HELLO + "ask> " * 5 + "\n"


def test_the_handler_of_ctrl_c_is_put_back():
    def mine(*_):
        pass

    before = signal.getsignal(signal.SIGINT)
    try:
        for handler, within in ((mine, signal.default_int_handler), (signal.SIG_IGN, signal.SIG_IGN)):
            signal.signal(signal.SIGINT, handler)
            with interruptible():
                assert signal.getsignal(signal.SIGINT) == within
            assert signal.getsignal(signal.SIGINT) == handler
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(("kind", "bound"), [("GNU readline", "tab: complete"), ("libedit", "bind ^I rl_complete")])
def test_tab_completes_and_the_history_is_kept(monkeypatch, tmp_path, kind, bound):
    calls: dict[str, list] = {}

    def named(name):
        return lambda *given: calls.setdefault(name, []).append(given)

    names = "set_completer set_completer_delims parse_and_bind set_history_length read_history_file write_history_file"
    readline = SimpleNamespace(__doc__=kind, **{name: named(name) for name in names.split()})
    monkeypatch.setitem(sys.modules, "readline", readline)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    place = tmp_path / "state" / "w2v" / "history"
    with line_editing(FEW):
        assert place.parent.is_dir()
        assert "write_history_file" not in calls
    ((complete,),) = calls["set_completer"]
    assert [complete("qu", place) for place in range(4)] == ["quick", "question", "quiet", None]
    assert [complete("th", place) for place in range(2)] == ["the ", None]  # the only one ends in a space
    assert complete("x", 0) is None
    assert (calls["parse_and_bind"], calls["set_completer_delims"]) == ([(bound,)], [(" \t",)])
    assert calls["set_history_length"] == [(prompts.HISTORY_LINES,)]
    assert calls["read_history_file"] == calls["write_history_file"] == [(place,)]


def test_a_history_that_cannot_be_kept_costs_nothing_else(monkeypatch):
    readline = pytest.importorskip("readline")
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null/none")
    with line_editing(FEW):
        assert readline.get_completer()("th", 0) == "the "
    readline.set_completer(None)


@pytest.fixture
def asked(tmp_path, monkeypatch, capsys):
    """Runs a command at whose prompt these lines are typed: (code, standard output, standard error)."""
    Vectors(["a", "b", "c"], np.array([[1, 0], [0.6, 0.8], [0, 1]], np.float32)).save(tmp_path / "v.txt")
    monkeypatch.setattr("w2v.cli.answers.is_terminal", lambda stream: stream is sys.stdin)

    def ask(args: str, *lines: str, terminal: bool = False) -> tuple[int, str, str]:
        monkeypatch.setattr("w2v.cli.terminal.is_terminal", lambda stream: terminal)
        monkeypatch.setattr("w2v.cli.answers.prompt_lines", lambda prompt: iter(lines))
        command, _, more = args.partition(" ")
        code = run([command, str(tmp_path / "v.txt"), *more.split()])
        return (code, *capsys.readouterr())

    return ask


def test_answers_at_a_prompt_have_no_heading_and_failures_leave_the_exit_code_0(asked):
    assert asked("similar --topn 1", "a", "none", " \t", "b - a") == (
        0,
        "a\t1\tb\t0.600000\nb - a\t1\tc\t0.894427\n",
        'w2v: error: "none" is not in the vocabulary\n',
    )
    code, out, _ = asked("similar --topn 1", "a", terminal=True)
    assert (code, out.split()[:3]) == (0, ["1", "b", "0.6000"])
    code, out, _ = asked("similar a --topn 1", terminal=True)
    assert (code, out.split()[:4]) == (0, ["a", "1", "b", "0.6000"])
    code, out, _ = asked("similar --topn 1 --format json", "none")
    assert out == '{"query": "none", "error": "\\"none\\" is not in the vocabulary"}\n'


def test_lines_of_words_at_a_prompt_are_answered_one_by_one(asked):
    assert asked("similarity", "a b", "a none", "a\tc") == (
        0,
        "a\tb\t0.600000\na\tc\t0.000000\n",
        'w2v: error: "none" is not in the vocabulary\n',
    )
    code, out, _ = asked("similarity", "a b", terminal=True)
    assert (code, out.split()[:3]) == (0, ["a", "b", "0.6000"])


def test_ctrl_c_while_it_answers_goes_back_to_the_prompt(asked, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("w2v.cli.answers.answer_lines", stop)
    assert asked("similar", "a", "b") == (0, "", "\nstopped; the next question, please\n" * 2)
    monkeypatch.setattr("w2v.cli.answers.show", stop)
    assert asked("similarity", "a b") == (0, "", "\nstopped; the next question, please\n")
