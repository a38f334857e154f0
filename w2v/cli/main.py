"""`w2v`: the group of commands. A command's module is imported when it is called: ``w2v --help`` costs little."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import click

from w2v.cli.command import CONTEXT, Argument, Command, Option
from w2v.cli.errors import did_you_mean, guarded, named_output

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["COMMANDS", "VARIABLE", "answer", "cli", "completion", "main", "run"]

# heading -> command -> (module in w2v.cli, and the name in it unless it is `command`; one line of help)
COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Training": {
        "train": ("train", "Train word vectors on a text corpus."),
        "word2vec": ("word2vec", "Train with the options of the original program."),
        "sweep": ("sweep", "Train with each combination of some settings, and compare the scores."),
    },
    "The corpus": {
        "sessions": ("sessions", "Turn a table of events (who, what, when) into sessions, one per line."),
        "vocab": ("vocab", "The words of a corpus and how often each occurs."),
        "phrases": ("phrases", "Find collocations, and join them into single words."),
        "encode": ("encode", "Encode a corpus as numbers, so that training on it starts immediately."),
        "plan": ("plan", "What a training would take: memory, disk, time."),
    },
    "Asking": {
        "similar": ("similar", "The nearest words to a word, or to an expression: king - man + woman."),
        "analogy": ("analogy", "A is to B as C is to ?"),
        "similarity": ("relations.similarity", "The cosine of two words."),
        "rank": ("relations.rank", "The place of a word among another's neighbours."),
        "odd-one-out": ("relations.odd_one_out", "The word that does not belong with the others."),
        "senses": ("relations.senses", "The senses of a word, by groups of its neighbours."),
        "vector": ("vector", "The numbers of a word."),
        "embed": ("embed", "A vector for each line of text: the mean of its words, or by SIF."),
        "predict": ("predict", "The words that are likely to occur beside others."),
        "evaluate": ("evaluate", "Score vectors on analogy questions and on word pairs rated by people."),
    },
    "Vector files": {
        "check": ("check", "What a vector file or a corpus is, and what is wrong with it."),
        "info": ("info", "What a vector file is: format, words, length, norms."),
        "convert": (
            "convert",
            "Convert vectors between formats; select some, scale them to length 1, halve their precision.",
        ),
    },
    "Comparing": {
        "diff": ("diff", "How models differ: neighbours, alignment, the words that moved most."),
    },
    "Seeing": {
        "pairs": ("pairs", "The training samples of a text, as the trainer makes them."),
        "learn": ("learn", "A small text, trained before your eyes."),
        "plot": ("plot", "A map of words: groups in colours, arrows between pairs."),
        "show": ("show", "Vectors as rows of coloured cells."),
        "curve": ("show.curve", "How a training went: loss, learning rate, speed, scores."),
        "explore": ("explore", "One self-contained page to explore vectors in."),
    },
    "The shell": {
        "completion": (
            "main.completion",
            "Complete commands, options and files with the Tab key, in bash, zsh and fish.",
        ),
    },
}


# Commands of word2vec.c, fastText and gensim, and what they are here.
HABITS = {
    "nn": "similar",
    "distance": "similar",
    "most-similar": "similar",
    "word-analogy": "analogy",
    "analogies": "analogy",
    "skipgram": "train CORPUS -o OUT --model skipgram",
    "cbow": "train CORPUS -o OUT --model cbow",
    "compute-accuracy": "evaluate",
    "word2phrase": "phrases",
    "doesnt-match": "odd-one-out",
    "print-word-vectors": "vector",
}
SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_W2V_COMPLETE"  # set by the script when it asks the command


class LazyGroup(click.Group):
    """A group that knows its commands' names and help lines without importing them."""

    def make_context(self, *args: Any, **kw: Any) -> click.Context:
        with named_output():  # --help, --version
            return super().make_context(*args, **kw)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for commands in COMMANDS.values() for name in commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for commands in COMMANDS.values():
            if cmd_name in commands:
                module, _, name = commands[cmd_name][0].partition(".")
                found: click.Command = getattr(import_module(f"w2v.cli.{module}"), name or "command")
                return found
        return None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str, click.Command, list[str]]:
        name = args[0]
        command = self.get_command(ctx, name)
        if command is None:
            if ctx.resilient_parsing:  # the Tab key behind a command that is not there
                return name, click.Command(name), args[1:]
            habit = HABITS.get(name.replace("_", "-"))
            if habit:
                hint = f" (write w2v {habit})"
            elif os.path.exists(name):
                hint = f", but a file (write w2v similar {name} for vectors, w2v train {name} for text)"
            else:
                hint = did_you_mean(name, self.list_commands(ctx))
            raise click.UsageError(f"no such command: {name}{hint}", ctx=ctx)
        return name, command, args[1:]

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names and help lines from the table: no command's module is imported for them."""
        from click.shell_completion import CompletionItem

        commands = [(name, line) for each in COMMANDS.values() for name, (_, line) in each.items()]
        found = [CompletionItem(name, help=line) for name, line in commands if name.startswith(incomplete)]
        return found + click.Command.shell_complete(self, ctx, incomplete)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(ctx.command_path, "COMMAND ...")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, self.list_commands(ctx)))
        for heading, commands in COMMANDS.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), text) for name, (_, text) in commands.items()])
        records = [r for p in self.get_params(ctx) if (r := p.get_help_record(ctx)) is not None]
        with formatter.section("Options"):
            formatter.write_dl(records)
        formatter.write("\nTo begin: w2v train corpus.txt -o vectors.bin, then w2v similar vectors.bin\n")
        formatter.write("w2v COMMAND --help explains more and shows examples.\n")


def show_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if ctx.resilient_parsing:
        return
    if value:
        click.echo(version_report() if ctx.params["json"] else version_text())
        ctx.exit()
    if ctx.params["json"]:
        raise click.UsageError("--json is for --version; a command that prints JSON has --format json", ctx=ctx)


def version_text() -> str:
    """Version, chosen kernel and the CPU's instruction sets."""
    import w2v

    try:
        from w2v.kernel.kernels import describe
    except ModuleNotFoundError:
        return f"w2v {w2v.__version__}"
    return f"w2v {w2v.__version__} ({describe()})"


def version_report() -> str:
    """What a bug report should say, as JSON: versions, the machine, and the optional libraries."""
    import json
    import platform
    import re
    from importlib import metadata

    from w2v.kernel import kernels
    from w2v.training.report import cpu_flags, machine, versions

    def version_of(library: str) -> str | None:
        try:
            return metadata.version(library)
        except metadata.PackageNotFoundError:
            return None

    needs = "\n".join(metadata.requires("w2v") or ())
    optional = re.findall(r"^([\w.-]+).*extra == .(?!test|lint|release)[\w-]+.$", needs, re.MULTILINE)
    report = {
        **versions(),
        "click": version_of("click"),
        "machine": machine(kernels.choose().NAME) | {"cpu_flags": cpu_flags(), "libc": " ".join(platform.libc_ver())},
        "optional": {library: version_of(library) for library in optional},
    }
    return json.dumps(report, indent=2)


cli = LazyGroup(
    "w2v",
    help="word2vec on the CPU: from a text corpus to vectors and answers.",
    context_settings=CONTEXT,
    no_args_is_help=False,
    params=[
        Option(
            ["-V", "--version"],
            is_flag=True,
            expose_value=False,
            callback=show_version,
            help="Show version, kernel and CPU, and exit.",
        ),
        Option(["--json"], is_flag=True, is_eager=True, help="With --version: all that a bug report should say."),
        # Taken out of the arguments before they are parsed, so that it works in any place.
        Option(["--debug"], is_flag=True, expose_value=False, help="Show tracebacks of errors."),
    ],
)


def run(args: Sequence[str]) -> int:
    """Run one command line and return the exit code."""
    end = args.index("--") if "--" in args else len(args)
    debug = "--debug" in args[:end]
    rest = [a for a in args[:end] if a != "--debug"] + list(args[end:])
    return guarded(lambda: invoke(rest), debug)


def invoke(args: list[str]) -> Any:
    if not args:
        with cli.make_context("w2v", [], resilient_parsing=True) as context:
            click.echo(cli.get_help(context), err=True)
        return 2
    if args[0] == "help":
        args = [*args[1:2], "--help"]
    # Not cli.main(): it turns EOFError and Ctrl-C into "Aborted!".
    with cli.make_context("w2v", list(args)) as context:
        context.meta["w2v.arguments"] = tuple(args)  # for messages that say how to go on
        return cli.invoke(context)


# --- w2v completion: Tab completes commands, options, their values and file names ---

HELP = """Completion with the Tab key: prints what a shell must read to complete w2v's commands, options and files.

bash (4.4 or newer): put the first line below into ~/.bashrc. zsh: write the output to a file _w2v in a folder of
$fpath, or put the same line, with zsh for bash, into ~/.zshrc after compinit. fish: write it to
~/.config/fish/completions/w2v.fish.
"""

EXAMPLES = [
    ("In bash, for this session, or for all of them in ~/.bashrc", 'eval "$(w2v completion bash)"'),
    ("In zsh, as a file to be found by compinit", "w2v completion zsh > _w2v"),
    ("In fish, to be moved to ~/.config/fish/completions", "w2v completion fish > w2v.fish"),
]


def print_completion(shell: str) -> None:
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    made = kind(cli, {}, "w2v", VARIABLE)
    # Not made.source(): for bash it starts a shell to learn the version of whichever bash comes first in the PATH.
    click.echo((made.source_template % made.source_vars()).strip())


def answer() -> None:
    """What the shell asks for while a line is typed; ends the process."""
    words, place = os.environ.get("COMP_WORDS", "").split("\n"), os.environ.get("COMP_CWORD", "")
    if os.environ[VARIABLE].startswith("bash") and place.isdigit():
        words, number = joined(words, int(place))
        os.environ.update(COMP_WORDS="\n".join(words), COMP_CWORD=str(number))
    cli.main(prog_name="w2v", complete_var=VARIABLE)


def joined(words: list[str], place: int) -> tuple[list[str], int]:
    """bash splits `--model=cbow` into three words; here it is one again, and `place` still that of the same text."""
    whole: list[str] = []
    number = place
    for i, word in enumerate(words):
        follows = bool(whole) and whole[-1].startswith("--") and (word == "=" or whole[-1].endswith("="))
        if follows and i <= place:
            whole[-1] += word
            number -= 1
        else:
            whole.append(word)
    return whole, number


completion = Command(
    "completion",
    usage="bash|zsh|fish",
    help=HELP,
    examples=EXAMPLES,
    callback=print_completion,
    params=[Argument(["shell"], metavar="SHELL", type=click.Choice(SHELLS), line="bash, zsh or fish.")],
)


def main() -> NoReturn:
    """Entry point of the `w2v` command."""
    if VARIABLE in os.environ:
        answer()
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
