from __future__ import annotations

import json
import platform
import re
import subprocess

import click
import pytest

from w2v.cli.main import COMMANDS, cli

NAMES = [name for commands in COMMANDS.values() for name in commands]


def test_help_goes_to_stdout_and_names_every_command(w2v):
    done = w2v("--help")
    assert done.returncode == 0
    assert done.err == ""
    for name in NAMES:
        assert re.search(rf"^  {name} ", done.out, re.MULTILINE)


def test_no_arguments_print_the_help_on_stderr_and_fail(w2v):
    done = w2v()
    assert done.returncode == 2
    assert done.out == ""
    assert "Usage: w2v COMMAND" in done.err


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_a_help_page_with_examples(w2v, name):
    done = w2v(name, "--help")
    assert done.returncode == 0
    assert done.err == ""
    assert done.out.startswith(f"Usage: w2v {name} ")
    assert "\nExamples:\n" in done.out
    assert max(map(len, done.out.splitlines())) <= 100


def test_the_help_of_train_fits_a_screen_and_help_all_has_every_option(w2v):
    short, whole = w2v("train", "--help").out, w2v("train", "--help-all").out
    assert len(short.splitlines()) <= 50
    options = {line.split()[0] for line in short.splitlines() if line.startswith("  -")}
    assert (
        {"-o,", "--help-all", "-h,"} < options < {line.split()[0] for line in whole.splitlines() if line[:3] == "  -"}
    )
    for name in ("--lr", "--phrases", "--keep-checkpoint", "--cluster"):
        assert f"  {name} " in whole
        assert name not in short
    assert "see w2v train --help-all" in w2v("train", "x", "-o", "v.bin", "--lr", "ten").err


@pytest.mark.parametrize("name", NAMES)
def test_short_help_option_works(w2v, name):
    assert w2v(name, "-h").out == w2v(name, "--help").out


def test_help_is_a_command_too(w2v):
    assert w2v("help").out == w2v("--help").out
    assert w2v("help", "similar").out == w2v("similar", "--help").out
    done = w2v("help", "simlar")
    assert done.returncode == 2
    assert "no such command: simlar (did you mean similar or" in done.err


def test_the_table_s_help_line_is_the_first_line_of_the_command_s_help():
    for commands in COMMANDS.values():
        for name, (_, line) in commands.items():
            command = cli.get_command(click.Context(cli), name)
            assert command.name == name
            assert line.endswith((".", "?"))


def test_version_names_version_and_kernel(w2v):
    import w2v as package
    from w2v.kernel.kernels import describe

    done = w2v("--version")
    assert w2v("-V").out == done.out
    assert done.returncode == 0
    assert done.out == f"w2v {package.__version__} ({describe()})\n"


def test_version_as_json_says_what_a_bug_report_should(w2v):
    import numpy

    import w2v as package
    from w2v.kernel import kernels

    done = w2v("--version", "--json")
    assert (done.returncode, w2v("--json", "-V").out) == (0, done.out)
    said = json.loads(done.out)
    assert (said["w2v"], said["numpy"], said["python"]) == (
        package.__version__, numpy.__version__, platform.python_version(),
    )  # fmt: skip
    assert said["machine"]["kernel"] == kernels.choose().NAME
    assert all(
        kernel == "baseline" or kernel in " ".join(said["machine"]["cpu_flags"])
        for kernel in said["machine"]["kernels"]
    )
    assert {"zstandard", "ray", "matplotlib"} <= set(said["optional"])
    assert "pytest" not in said["optional"]
    alone = w2v("--json")
    assert (alone.returncode, alone.out) == (2, "")
    assert "--json is for --version" in alone.err


def test_python_m_w2v_is_the_command(environment, tmp_path):
    import sys

    done = subprocess.run([sys.executable, "-m", "w2v", "--help"], capture_output=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0
    assert done.stdout.startswith(b"Usage: w2v COMMAND")


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (["trian"], "no such command: trian (did you mean train?); see w2v --help"),
        (["quux"], "no such command: quux; see w2v --help"),
        (["train", "--dmi", "3"], "no such option: --dmi (did you mean --dim?); see w2v train --help"),
        (["train", "x", "-o", "v.bin", "--dim"], "option --dim requires an argument; see w2v train --help"),
        (["train", "x"], "-o/--output is missing; add -o OUT; see w2v train --help"),
        (["train", "-o", "v.bin"], "CORPUS is missing; write - to read standard input; see w2v train --help"),
        (["train", "x", "-o", "v.bin", "--dim", "ten"], "-d/--dim: 'ten' is not a whole number; see w2v train --help"),
        (["train", "x", "-o", "v.bin", "--dim", "0"], "--dim: must be between 1 and 65536 (got 0)"),
        (["train", "x", "-o", "v.bin", "--lr", "nan"], "--lr: must be more than 0 and at most 10 (got nan)"),
        (["train", "x", "-o", "v.bin", "--lr", "11"], "--lr: must be more than 0 and at most 10 (got 11)"),
        (["train", "x", "-o", "v.bin", "-e", "1000001"], "--epochs: must be between 1 and 1000000 (got 1000001)"),
        (["similar", "v.bin", "-k", "0"], "-k/--top: must be at least 1 (got 0); see w2v similar --help"),
        (["plan", "x", "--seconds", "nan"], "--seconds: must be between 0 and 600 (got nan); see w2v plan --help"),
        (["--no-such"], "no such option: --no-such; see w2v --help"),
        (["analogy", "v.bin", "man", "king"], "an analogy has three words, A B C; found 2; see w2v analogy --help"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_usage_errors_are_one_line_and_exit_2(w2v, args, line):
    done = w2v(*args)
    assert done.returncode == 2
    assert done.out == ""
    assert done.err == f"w2v: error: {line}\n"


def test_debug_shows_the_traceback_and_the_line(w2v):
    train = ["train", "missing.txt", "-o", "v.bin"]
    for args in (["--debug", *train], [*train, "--debug"]):
        done = w2v(*args)
        assert done.returncode == 1
        assert "Traceback (most recent call last)" in done.err
        assert done.err.splitlines()[-1].startswith("w2v: error: missing.txt: ")


def test_without_debug_there_is_no_traceback(w2v):
    done = w2v("train", "missing.txt", "-o", "v.bin")
    assert done.returncode == 1
    assert re.fullmatch(r"w2v: error: missing\.txt: .*\n", done.err)


def test_help_on_a_full_device_fails(w2v):
    with open("/dev/full", "wb") as full:
        done = w2v("--help", stdout=full)
    assert done.returncode == 1
    assert done.err == "w2v: error: standard output: No space left on device\n"


def test_help_into_a_closed_pipe_is_silent(w2v):
    import os

    read, write = os.pipe()
    os.close(read)
    try:
        done = w2v("--help", stdout=write)
    finally:
        os.close(write)
    assert done.returncode == 141
    assert done.err == ""
