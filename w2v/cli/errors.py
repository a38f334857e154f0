"""The one place where failures become a line on stderr and an exit code.

0 done, 1 data or run-time, 2 usage, 129 hang-up, 130 Ctrl-C, 141 closed pipe, 143 SIGTERM.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import stat
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any, TextIO

import click

from w2v.cli.signals import Terminated, raised_signals
from w2v.errors import W2VError, os_error_text, printable, render, setting
from w2v.settings import habit

__all__ = [
    "LIVE",
    "check_dashes",
    "guarded",
    "named_output",
    "os_error_text",
    "out_of_memory",
    "say",
    "shown",
    "usage_error",
    "warn",
]

WORDS = ("QUERY", "TEXT", "WORD", "A B", "A B C")  # arguments that may begin with a dash
INTERRUPTED, CLOSED_PIPE = 130, 141
NOT_SET = "without exception set"  # of compiled code that has found no memory for the exception either
NO_MEMORY = re.compile("failed to map segment|cannot allocate memory", re.IGNORECASE)  # words of the loader


def guarded(work: Callable[[], int | None], debug: bool = False) -> int:
    """Run `work` and return the exit code; any error becomes one line."""
    try:
        with raised_signals():
            try:
                code = work() or 0
            except click.exceptions.Exit as done:  # --help, --version
                code = done.exit_code
            flush_output()
            return code
    except BaseException as error:
        if debug:
            with contextlib.suppress(OSError, ValueError, AttributeError):
                sys.stderr.write("".join(printable(line) + "\n" for line in traceback.format_exc().splitlines()))
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
    elif isinstance(error, MemoryError) or (isinstance(error, SystemError) and NOT_SET in str(error)):
        text = f"error: {out_of_memory()}"
    elif isinstance(error, ImportError):
        text = f"error: {import_error_text(error)}"
    elif isinstance(error, Exception):
        text = f"error: internal error, {type(error).__name__}: {error}; please report it with the output of --debug"
    else:
        raise error
    if text:
        say(text)
    return code


def out_of_memory() -> str:
    """What to say of memory that is not there: which options of the running command would take less."""
    options = {getattr(option, "setting", option.name) for option in running_options()}
    context = click.get_current_context(silent=True)
    if context is not None and context.params.get("subwords") in (None, "off"):
        options.discard("buckets")
    less = [setting(name) for name in ("dim", "buckets", "max_vocab", "top") if name in options]
    ways = [f"a smaller {', '.join([*less[:-2], ' or '.join(less[-2:])])}"] if less else []
    ways += [f"a larger {setting('min_count')}"] if "min_count" in options else []
    if not ways:
        return "out of memory; it needs more than there is (ulimit -v, other programs)"
    return f"out of memory; {', or '.join(ways)} needs less"


def import_error_text(error: ImportError) -> str:
    """A module that cannot be loaded: in most cases for lack of memory, or of the module."""
    text = str(error)
    what = f"a library that is needed{f' for {error.name}' if error.name else ''} cannot be loaded"
    if NO_MEMORY.search(text):
        return f"out of memory: {what}; it needs more than there is (ulimit -v, other programs)"
    return f"{what}: {text.strip().splitlines()[-1] if text.strip() else 'no reason is given'}; install w2v again"


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
        text = f"no such option: {error.option_name}{option_hint(error.option_name, context)}"
    elif isinstance(error, click.BadOptionUsage):
        text = text.replace("Option ", "option ", 1).replace("'", "")
    elif isinstance(error, click.MissingParameter):
        text = f"{error.param.get_error_hint(context) if error.param else ''} is missing"
        if isinstance(error.param, click.Option):
            text += f"; add {error.param.opts[0]} {error.param.metavar}"
        if error.param is not None and error.param.name == "corpus" and is_piped(sys.stdin):
            text += "; write - to read standard input"
    elif isinstance(error, click.BadParameter) and error.param is not None:
        text = f"{error.param.get_error_hint(context)}: {text}"
    if not isinstance(error, click.UsageError):
        return text
    common = getattr(context.command, "common", ()) if context else ()
    option = getattr(error, "param", None)
    rare = bool(common) and isinstance(option, click.Option) and option.name not in common
    return f"{text}; see {command} --help{'-all' * rare}"


def is_piped(stream: TextIO | None) -> bool:
    """Whether a pipe or a file stands where the terminal would."""
    try:
        mode = os.fstat(stream.fileno()).st_mode if stream is not None else 0
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


def usage_error(text: str) -> click.UsageError:
    """A usage error (exit 2) of the running command."""
    return click.UsageError(text, ctx=click.get_current_context(silent=True))


# Options of word2vec.c and fastText for what is no setting, and what takes their place in a training.
HABITS = {
    "train": "CORPUS without an option",
    "input": "CORPUS without an option",
    "binary": "-o NAME.bin, or -o NAME.txt for text",
    "classes": "w2v word2vec -classes N",
    "debug": "-q for less, or nothing",
    "verbose": "-q for less, or nothing",
    "force": "nothing: an output that exists is replaced",
    "overwrite": "nothing: an output that exists is replaced",
    "pretrainedvectors": "--init VECTORS",
    "saveoutput": "--save-context FILE",
    "save-vocab": "--save-vocab FILE",
}


def habit_hint(name: str, value: str | None, options: Sequence[str]) -> str:
    """What to write in a training in place of another program's option; empty for one that is not known."""
    if "--model" not in options:
        return ""
    own = HABITS.get(name)
    return f"write {own.replace('CORPUS', value or 'CORPUS')}" if own else shown(habit(name, value))


def value_of(option: str, arguments: Sequence[str]) -> str | None:
    """What stands behind an option in a command line, if that is a number or a word."""
    name, equals, value = option.partition("=")
    if equals:
        return value
    for place, argument in enumerate(arguments[:-1]):
        if argument == option and not re.match("-[A-Za-z-]", arguments[place + 1]):
            return arguments[place + 1]
    return next((other.partition("=")[2] for other in arguments if other.startswith(f"{name}=")), None)


def option_hint(name: str, context: click.Context | None) -> str:
    """What to write in place of an option that is not there."""
    options = visible_options(context)
    arguments = context.meta.get("w2v.arguments", ()) if context else ()
    found = habit_hint(plain_name(name), value_of(name, arguments), options)
    if found:
        return f" ({found})"
    params = context.command.params if context else []
    if not name.startswith("--") and any(isinstance(p, click.Argument) and p.metavar in WORDS for p in params):
        return "; a word that begins with - goes behind --"
    return did_you_mean(name, options)


def plain_name(option: str) -> str:
    """--min_count=5 -> min-count; -minCount -> min-count"""
    name = option.lstrip("-").partition("=")[0]
    return re.sub("(?<=[a-z])(?=[A-Z])", "-", name).replace("_", "-").lower()


def check_dashes(context: click.Context, arguments: Sequence[str]) -> None:
    """A usage error for a long option with one dash, as word2vec.c and fastText have them: `-size 50` would be read as
    `-s ize`, and 50 as a file; and for a file whose name begins so."""
    options = [param for param in context.command.params if isinstance(param, click.Option)]
    long = {plain_name(name): option for option in options for name in option.opts if name.startswith("--")}
    known = {name: option for option in options for name in (*option.opts, *option.secondary_opts)}
    short = {name[1] for name in known if re.fullmatch("-[A-Za-z]", name)}
    found = []
    for before, argument in zip(["", *arguments], arguments, strict=False):
        name = plain_name(argument)
        if argument == "--":
            break
        if not re.match("-[A-Za-z]{2}", argument) or argument.partition("=")[0] in known:
            continue
        if before not in known and os.path.lexists(argument):
            raise click.UsageError(
                f"{argument}: is read as an option; for the file of this name write ./{argument}", context
            )
        value = value_of(argument, arguments)
        is_value = before in known and not getattr(known[before], "is_flag", False)
        if name in long:
            wanted = long[name].get_error_hint(context).split("/")[-1]
            wanted = f"write {wanted}{f' {value}' if value and not getattr(long[name], 'is_flag', False) else ''}"
        else:
            wanted = habit_hint(name, value, visible_options(context))
        if wanted:
            found.append(f"{argument} ({wanted})")
        elif not (found or is_value or argument[1] in short):
            raise click.NoSuchOption(argument.partition("=")[0], ctx=context)  # click would name its first letter
    if found:
        original = "; w2v word2vec takes the options of word2vec.c" if "model" in long else ""
        raise click.UsageError(f"no such option{'s' * (len(found) > 1)}: {', '.join(found)}{original}", context)


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


LIVE: list[Callable[[], object]] = []  # what takes a line of progress off the screen before another one is written


def say(text: str) -> None:
    """One line on stderr, for any text; nothing when stderr is closed."""
    line = printable(f"w2v: {shown(text)}")
    for clear in LIVE:
        clear()
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def warn(text: str) -> None:
    say(f"warning: {text}")


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
