"""What the command line adds to a training: signals, the words about a run that was stopped, the summary."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from w2v.cli.errors import say
from w2v.cli.output import STDOUT, check_stdout
from w2v.cli.progress import progress_for
from w2v.cli.signals import NUMBERS, Terminated, quit_at_once
from w2v.errors import TrainingError, reason

if TYPE_CHECKING:
    from w2v.training.progress import TrainingStopped
    from w2v.training.run import Run

__all__ = ["run_training"]


def run_training(kind: Callable[..., Run], *configs: Any, output: str, quiet: bool, **given: Any) -> None:
    """Run it to its end and report the result. `given` are the options of `w2v train` that are no settings."""
    from w2v.cli.summary import summary_lines
    from w2v.training.progress import TrainingStopped
    from w2v.training.run import Outputs, graceful_stop

    check_stdout(output)
    outputs = Outputs(
        vectors=output,
        context=given.pop("save_context"),
        vocab=given.pop("save_vocab"),
        report=given.pop("report"),
        log=given.pop("log"),
        format=given.pop("format"),
        combination=given.pop("combine"),
        unit=given.pop("unit"),
        with_context=given.pop("with_context", False),
        no_clobber=given.pop("no_clobber"),
    )
    with progress_for(quiet) as display:
        run = kind(
            *configs,
            outputs=outputs,
            checkpoint=checkpoint_settings(output, given),
            reporters=[display],
            command=["w2v", *arguments()],
            resume_hint=resume_command(),
            stopping=partial(graceful_stop, NUMBERS, quit_at_once),
            **given,
        )
        try:
            done = run.run()
        except TrainingStopped as stop:
            display.finish(complete=False)
            tell_stop(stop)
            raise KeyboardInterrupt if stop.signal in (0, signal.SIGINT) else Terminated(stop.signal) from None
    if done.not_kept:
        raise TrainingError(f"the vectors are written, but {done.not_kept}")
    if not quiet:
        for line in summary_lines(done, "standard output" if output == STDOUT else output):
            say(line)


def checkpoint_settings(output: str, given: dict[str, Any]) -> Any:
    """Where the checkpoint is, when it is written, and whether the run goes on from one."""
    from w2v.places import is_replaced
    from w2v.training.checkpointing import CheckpointSettings

    path = given.pop("checkpoint")
    if path is None and output and is_replaced(output):
        path = f"{output}.checkpoint"
    return CheckpointSettings(
        path,
        given.pop("checkpoint_every"),
        given.pop("resume"),
        given.pop("keep_checkpoint"),
        replaces=given.pop("replaces", None),
    )


def tell_stop(stop: TrainingStopped) -> None:
    """What is left of a training that was stopped, and how to go on."""
    if stop.checkpoint is None:
        say("nothing is kept of a training to standard output or a device; --checkpoint FILE keeps it")
    elif stop.failure is not None:
        say(f"warning: the run could not be kept: {reason(stop.failure)}")
    else:
        say(f"stopped after {100 * stop.share:.0f} %; {stop.checkpoint} holds the run. To continue:")
        say(f"  {resume_command()}")


def arguments() -> list[str]:
    """The present command line, without the program's name."""
    context = click.get_current_context(silent=True)
    return list(context.meta.get("w2v.arguments", ())) if context else []


def resume_command() -> str:
    """The present command line with --resume, as a shell reads it."""
    given = arguments()
    if not any(argument == "--resume" or argument.startswith("--resume=") for argument in given):
        given.append("--resume")
    return shlex.join(["w2v", *given])
