"""What every command has in common: its help page with grouped options and examples, and aliases that stay hidden."""

from __future__ import annotations

import inspect
import os
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import click

from w2v.cli.errors import check_dashes, named_output, out_of_memory, shown
from w2v.errors import W2VError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["ALL_OPTIONS", "Argument", "Command", "Option"]

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


# What stands for a value that is a file or a folder: the Tab key completes names there.
NAMES = ("CHECKPOINT", "CORPUS", "DIR", "FILE", "IN", "LOG", "MODEL", "OUT", "PAGE", "QUESTIONS", "TABLE", "TEXT")
FILES = frozenset((*NAMES, "VECTORS", "[CHECKPOINT]", "[FILE]", "FILE|english"))


ALL_OPTIONS = "w2v.all_options"  # of a context: the help shows every option
MOST_EXAMPLES = 3  # of a short help


def show_all(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        ctx.meta[ALL_OPTIONS] = True
        click.echo(ctx.get_help(), color=ctx.color)
        ctx.exit()


def completions(param: click.Parameter, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """What the Tab key offers for a value: the choices of a type, or, by a mark, file names."""
    from click.shell_completion import CompletionItem

    if param.metavar in FILES:
        return [CompletionItem(incomplete, type="dir" if param.metavar == "DIR" else "file")]
    return click.Parameter.shell_complete(param, ctx, incomplete)


def checked_name(param: click.Parameter, ctx: click.Context, value: Any) -> Any:
    """The value, or a usage error where it is a name of a file and empty, as of a variable that is not set."""
    if param.metavar in FILES and "" in (value if isinstance(value, (tuple, list)) else (value,)):
        kind = "folder" if param.metavar == "DIR" else "file"
        raise click.BadParameter(f"the name is empty; give a {kind}", ctx, param)
    return value


class Option(click.Option):
    """An option with a heading in the help, other programs' spellings that are accepted but not shown, and a compact
    line of help: ``-d, --dim N   Length of the vectors. [100]``. Messages call it `setting`, by default its own name.
    """

    def __init__(
        self,
        declarations: Sequence[str],
        *,
        group: str = "Options",
        aliases: Sequence[str] = (),
        shown_default: str = "",
        setting: str = "",
        **kw: Any,
    ):
        super().__init__([*declarations, *aliases], **kw)
        self.setting = setting or self.name
        self.group = group
        self.aliases = tuple(aliases)
        self.shown_default = shown_default

    @property
    def spellings(self) -> list[str]:
        """The spellings that the help shows, short ones first."""
        shown = [o for o in self.opts if o not in self.aliases]
        return sorted(shown, key=lambda o: o.startswith("--"))

    @property
    def placeholder(self) -> str:
        """What stands for the value in the help; empty for a switch."""
        if self.is_flag or self.count:
            return ""
        if isinstance(self.type, click.Choice):
            return "|".join(map(str, self.type.choices))
        return self.metavar or "N"

    def get_help_record(self, ctx: click.Context | None) -> tuple[str, str] | None:
        if self.hidden:
            return None
        names = ", ".join(self.spellings)
        if self.secondary_opts == [self.spellings[-1].replace("--", "--no-", 1)]:
            names = names.replace("--", "--[no-]", 1)
        elif self.secondary_opts:
            names = " / ".join([names, *self.secondary_opts])
        default = f" [{self.shown_default}]" if self.shown_default else ""
        return f"{names} {self.placeholder}".rstrip(), (self.help or "") + default

    def get_error_hint(self, ctx: click.Context | None, *_: Any) -> str:
        return "/".join(self.spellings)

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        return super().type_cast_value(ctx, checked_name(self, ctx, value))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        return completions(self, ctx, incomplete)


class Argument(click.Argument):
    """An argument; `line` explains it in the help."""

    def __init__(self, declarations: Sequence[str], *, line: str, **kw: Any):
        super().__init__(declarations, **kw)
        self.line = line

    def get_error_hint(self, ctx: click.Context | None, *_: Any) -> str:
        return self.metavar or self.name or ""

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        return super().type_cast_value(ctx, checked_name(self, ctx, value))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        return completions(self, ctx, incomplete)


class Command(click.Command):
    """A command whose help groups its options under headings and ends with examples that can be run as written.

    With `common`, the names of the options that most need, --help shows those alone, and --help-all the rest too.
    """

    def __init__(
        self,
        name: str,
        *,
        usage: str,
        examples: Sequence[tuple[str, str]] = (),
        common: Collection[str] = (),
        help_all: str = "Show every option and exit.",
        **kw: Any,
    ):
        kw.setdefault("context_settings", CONTEXT)
        super().__init__(name, **kw)
        self.usage = usage
        self.examples = tuple(examples)  # (what it does, shell line)
        self.common = frozenset(common)
        if common:
            self.params.append(
                Option(
                    ["--help-all"],
                    is_flag=True,
                    is_eager=True,
                    expose_value=False,
                    callback=show_all,
                    help=help_all,
                )
            )

    def make_context(self, *args: Any, **kw: Any) -> click.Context:
        with named_output():  # --help
            return super().make_context(*args, **kw)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            check_dashes(ctx, args)
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx  # so that the message can point to this command's help
            raise

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except W2VError as error:
            error.args = (shown(error.args[0]), *error.args[1:])  # here the options' spellings are still known
            raise
        except MemoryError as error:
            raise W2VError(shown(out_of_memory())) from error
        except OSError as error:
            error.strerror = shown(error.strerror or "") or error.strerror
            if isinstance(error, FileNotFoundError):
                error.strerror = f"{error.strerror}{self.swapped(ctx, error.filename)}"
            raise

    def swapped(self, ctx: click.Context, missing: object) -> str:
        """What to say where the first argument is no file, but another one is."""
        names = [param.name for param in self.params if isinstance(param, click.Argument) and param.name]
        first, *others = [ctx.params.get(name) for name in names] or [None]  # word2vec has options alone
        rest = [other for value in others for other in (value if isinstance(value, tuple) else (value,))]
        file = next((str(other) for other in rest if other and os.path.isfile(str(other))), None)
        return f"; {self.params[0].human_readable_name} comes first: {file}" if file and first == missing else ""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Options without other programs' spellings, which are accepted but would crowd the list."""
        aliases = {alias for param in self.params for alias in getattr(param, "aliases", ())}
        return [item for item in super().shell_complete(ctx, incomplete) if item.value not in aliases]

    def is_short(self, ctx: click.Context) -> bool:
        """Whether the help is that of the common options."""
        return bool(self.common) and not ctx.meta.get(ALL_OPTIONS)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(ctx.command_path, self.usage)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Of the short help, the first paragraphs: the last one is for those who read all."""
        text = self.help or ""
        if self.is_short(ctx):
            text = text.rstrip().rpartition("\n\n")[0]
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(inspect.cleandoc(text))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        arguments = [(p.metavar or "", p.line) for p in self.params if isinstance(p, Argument)]
        short = self.is_short(ctx)
        groups: dict[str, list[tuple[str, str]]] = {"Arguments": arguments} if arguments and not short else {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            rare = short and param.name not in self.common and not {"--help", "--help-all"} & {*param.opts}
            if record is not None and isinstance(param, click.Option) and not rare:
                groups.setdefault("Options" if short else getattr(param, "group", "Options"), []).append(record)
        if len(groups) > 1 and "Options" in groups:
            groups["Options"] = groups.pop("Options")  # the general ones last
        width = max((len(names) for records in groups.values() for names, _ in records), default=0)
        for heading, records in groups.items():
            with formatter.section(heading):
                # One width for all groups, so that the columns line up.
                formatter.write_dl([(names.ljust(min(width, 34)), text) for names, text in records], col_max=36)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if not self.examples:
            return
        with formatter.section("Examples"):
            for what, line in self.examples[: MOST_EXAMPLES if self.is_short(ctx) else None]:
                formatter.write(f"{'':{formatter.current_indent}}# {what}\n")
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")
