"""The one place where failures become a line on stderr and an exit code.

0 done, 1 data or run-time, 2 usage, 129 hang-up, 130 Ctrl-C, 141 closed pipe, 143 SIGTERM.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any

import click

from w2v.errors import W2VError, os_error_text, printable, render

__all__ = [
    "SIGNALS", "Terminated", "guarded", "named_output", "os_error_text", "quit_at_once", "say", "shown", "usage_error",
]

INTERRUPTED, CLOSED_PIPE = 130, 141
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # some systems lack some


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP; whatever cleans up after Ctrl-C cleans up after these too."""

    def __init__(self, number: int):
        super().__init__(number)
        self.exit_code = 128 + number


def guarded(work: Callable[[], int | None], debug: bool = False) -> int:
    """Run `work` and return the exit code; whatever it raises is told in one line."""
    try:
        with signals():
            try:
                code = work() or 0
            except click.exceptions.Exit as done:  # --help, --version
                code = done.exit_code
            flush_output()
            return code
    except BaseException as error:
        if debug:
            with contextlib.suppress(OSError, ValueError):
                traceback.print_exc()
        try:
            return explain(error)
        finally:
            close_output()


def explain(error: BaseException) -> int:
    """Say what went wrong, in one line, and return the exit code."""
    code, text = 1, ""
    if isinstance(error, BrokenPipeError):
        code = CLOSED_PIPE
    elif isinstance(error, Terminated):
        code, text = error.exit_code, "stopped by a signal"
    elif isinstance(error, (KeyboardInterrupt, click.Abort)):
        code, text = INTERRUPTED, "interrupted"
    elif isinstance(error, click.ClickException):
        code, text = error.exit_code, f"error: {usage_text(error)}"
    elif isinstance(error, W2VError):
        code, text = error.exit_code, f"error: {shown(error.args[0])}"
    elif isinstance(error, OSError):
        text = f"error: {os_error_text(error)}"
    elif isinstance(error, MemoryError):
        text = "error: out of memory; a smaller --dim, a larger --min-count or --max-vocab needs less"
    elif isinstance(error, Exception):
        text = f"error: internal error, {type(error).__name__}: {error}; please report it with the output of --debug"
    else:
        raise error
    if text:
        say(text)
    return code


def shown(text: str) -> str:
    """The text of an error or a warning, its settings as options of the running command."""
    return render(text, option_text)


def option_text(name: str, value: Any) -> str:
    """`--min-count`, or with a value `--min-count 1`."""
    option = next((o for o in running_options() if getattr(o, "setting", "") == name), None)
    spelled = option.get_error_hint(None).split("/")[-1] if option else "--" + name.replace("_", "-")
    if value is None or value is True:
        return spelled
    if value is False:
        return option.secondary_opts[0] if option and option.secondary_opts else f"no {spelled}"
    if isinstance(value, float):
        percent = option is not None and option.type.name == "share"
        value = f"{100 * value:g}%" if percent else f"{value:g}"
    return f"{spelled} {shlex.quote(str(value))}"


def running_options() -> list[click.Option]:
    """Of the command that was called; one that runs another's code, as word2vec does, is the one that was called."""
    context = click.get_current_context(silent=True)
    while context is not None and context.parent is not None and context.parent.parent is not None:
        context = context.parent
    return [] if context is None else [p for p in context.command.params if isinstance(p, click.Option)]


def usage_text(error: click.ClickException) -> str:
    """A usage error in the form of the others, with the nearest spelling and a pointer to the help."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "w2v"
    text = error.message.rstrip(".") if error.message else ""
    if isinstance(error, click.NoSuchOption):
        text = f"no such option: {error.option_name}{did_you_mean(error.option_name, visible_options(context))}"
    elif isinstance(error, click.BadOptionUsage):
        text = text.replace("Option ", "option ", 1).replace("'", "")
    elif isinstance(error, click.MissingParameter):
        text = f"{error.param.get_error_hint(context) if error.param else ''} is missing"
    elif isinstance(error, click.BadParameter) and error.param is not None:
        text = f"{error.param.get_error_hint(context)}: {text}"
    if not isinstance(error, click.UsageError):
        return text
    return f"{text}; see {command} --help"


def usage_error(text: str) -> click.UsageError:
    """A usage error (exit 2) of the running command."""
    return click.UsageError(text, ctx=click.get_current_context(silent=True))


def visible_options(context: click.Context | None) -> list[str]:
    if context is None:
        return []
    found: list[str] = []
    for param in context.command.get_params(context):
        if isinstance(param, click.Option) and not param.hidden:
            found += [*param.opts, *param.secondary_opts]
    return found


def did_you_mean(word: str, possible: list[str]) -> str:
    near = get_close_matches(word, possible, n=3, cutoff=0.7)
    return f" (did you mean {' or '.join(near)}?)" if near else ""


def say(text: str) -> None:
    """One line on stderr, whatever the text holds; nothing when stderr is closed."""
    line = printable(f"w2v: {shown(text)}")
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def quit_at_once(number: int, _frame: object) -> None:
    """What a second signal does: nothing is waited for; of outputs that are being written nothing is left."""
    output = sys.modules.get("w2v.output")
    for temporary in list(output.UNFINISHED) if output is not None else ():
        with contextlib.suppress(OSError):
            os.unlink(temporary)
    os._exit(128 + number)


@contextlib.contextmanager
def signals() -> Iterator[None]:
    """SIGTERM and SIGHUP raise Terminated in the main thread; a second signal ends the process at once."""
    previous = {}

    def stop(number: int, _frame: object) -> None:
        for other in previous:
            signal.signal(other, quit_at_once)
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated(number)

    for name in SIGNALS:
        number = getattr(signal, name, None)
        # A signal that the parent told us to ignore (nohup, a background job) stays ignored.
        if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            with contextlib.suppress(ValueError):  # not in the main thread: a test that calls main()
                previous[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in previous.items():
            if signal.getsignal(number) is stop:
                signal.signal(number, handler)


def flush_output() -> None:
    if sys.stdout is not None:
        with named_output():
            sys.stdout.flush()


@contextlib.contextmanager
def named_output() -> Iterator[None]:
    """An OSError inside that names no file is one of standard output."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or "standard output"
        raise


def close_output() -> None:
    """Leave nothing for the interpreter to flush into a closed pipe or a full disk when it ends."""
    try:
        flush_output()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
