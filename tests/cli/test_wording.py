"""What commands say, word by word: wrong use, and pages with and without colours."""

from __future__ import annotations

import numpy as np
import pytest

from w2v.cli import output
from w2v.cli.main import run
from w2v.cli.plot import tell_missing
from w2v.cli.prompt import Prompt
from w2v.cli.steps import step_lines
from w2v.cli.terminal import NONE, TRUE
from w2v.errors import SettingsError
from w2v.training.config import TrainConfig
from w2v.training.samples import Centre, Row, Sentence
from w2v.vectors.vectors import Vectors

WRONG_USE = {
    "nonsense": "no such command: nonsense (did you mean senses?); see w2v --help",
    "--nope": "no such option: --nope; see w2v --help",
    "train": "CORPUS is missing; see w2v train --help",
    "train c": "-o/--output is missing; add -o OUT; see w2v train --help",
    "train c -o": "option -o requires an argument; see w2v train --help",
    "train c -o v --dim": "option --dim requires an argument; see w2v train --help",
    "train c -o v --quiet=3": "option --quiet does not take a value; see w2v train --help",
    "train c -o v --dim x": "-d/--dim: 'x' is not a whole number; see w2v train --help",
    "train c -o v --epochs 1.5": "-e/--epochs: '1.5' is not a whole number; see w2v train --help",
    "train c -o v --threads=": "-t/--threads: '' is not a whole number; see w2v train --help",
    "train c -o v --phrase-threshold x": "--phrase-threshold: 'x' is not a number; see w2v train --help-all",
    "train c -o v --model x": "--model: 'x' is not one of 'skipgram', 'cbow'; see w2v train --help",
    "train c -o v --dim 0": "--dim: must be between 1 and 65536 (got 0)",
    "train c -o v --lr -1": "--lr: must be more than 0 and at most 10 (got -1)",
    "train c -o v --subwords 9-3": "--subwords: '9-3' is no range of characters from 1 to 64; write 3-6, or off",
    "train c -o v --windw 5": "no such option: --windw (did you mean --window?); see w2v train --help",
    "train c -o v --hs": "no such option: --hs (write --loss hs); see w2v train --help",
    "train c -o v --sg": "no such option: --sg (write --model skipgram); see w2v train --help",
    "train c -o v -size 5": "no such option: -size (write --dim 5); w2v word2vec takes the options of word2vec.c; "
    "see w2v train --help",
    "word2vec -trai c -output v": "no such option: -trai (did you mean -train?); see w2v word2vec --help",
    "sweep c --dim 5,x": "-d/--dim: 'x' is not a whole number; see w2v sweep --help",
    "similar v king -k 0": "-k/--top: must be at least 1 (got 0); see w2v similar --help",
    "analogy v a b": "an analogy has three words, A B C; found 2; see w2v analogy --help",
    "convert a": "OUT is missing; see w2v convert --help",
    "plot v a -o x.abc": "x.abc: the suffix does not name a kind of picture; use .png, .svg or .pdf",
    "plot v a -o x.svg --size 1x1": "--size: '1x1' is not WIDTHxHEIGHT in inches, each from 2 to 100, such as 10x8; "
    "see w2v plot --help",
}


@pytest.mark.parametrize("line", WRONG_USE)
def test_wrong_use_is_told_in_one_line(capfd, tmp_path, monkeypatch, line):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c").write_text("a b c\n" * 9)
    assert run(line.split()) == 2
    assert capfd.readouterr() == ("", f"w2v: error: {WRONG_USE[line]}\n")


@pytest.mark.parametrize("outputs", [("-",), ("-", "v.bin"), ("v.bin", "/dev/stdout")])
def test_an_output_that_would_go_to_a_terminal_is_refused(monkeypatch, outputs):
    monkeypatch.setattr(output, "is_terminal", lambda stream: False)
    output.check_stdout(*outputs)
    monkeypatch.setattr(output, "is_terminal", lambda stream: True)
    with pytest.raises(SettingsError, match="standard output is a terminal; redirect it"):
        output.check_stdout(*outputs)
    output.check_stdout("v.bin")
    output.check_stdout()


def test_listed_words_that_are_missing_are_named_up_to_five(capfd):
    tell_missing([], 9)
    tell_missing(list("abcde"), 9)
    tell_missing(list("abcdef"), 1234)
    assert capfd.readouterr().err.splitlines() == [
        "w2v: warning: 5 of 9 listed words are not in the vocabulary: a, b, c, d, e",
        "w2v: warning: 6 of 1,234 listed words are not in the vocabulary: a, b, c, d, e, ...",
    ]


@pytest.mark.parametrize(("size", "rows"), [(300, (50, 100, 150, 200)), (120, (50, 100, 119, 119)), (1, (0, 0, 0, 0))])
def test_a_prompt_gives_an_example_of_words_that_are_there(size, rows):
    example = "{0} - {1} + {2}, {3}"
    prompt = Prompt("v", Vectors([f"w{row}" for row in range(size)], np.ones((size, 2))), example, "")
    words = example.format(*(f"w{row}" for row in rows))
    count = "1 word" if size == 1 else f"{size} words"
    assert prompt.greeting() == f"{count} x 2. Try {words}; help says more, quit ends."
    royals = Prompt("v", Vectors(["queen", "woman", "man", "king"], np.ones((4, 2))), example, "")
    assert royals.greeting() == "4 words x 2. Try king - man + woman, queen; help says more, quit ends."


SENTENCE = Sentence(
    (0, 1, 2, 3),
    (0, 1, 3),
    (Centre(1, 0, 1, (Row((0,), ((1, 1), (2, 0))), Row((3, 0), ((2, 0),)))),),
)


def test_steps_are_drawn_as_text():
    assert list(step_lines(iter([SENTENCE]), ["the", "왕", "of", "land"], TrainConfig(threads=1), NONE)) == [
        "sentence 1: 4 words, 1 dropped by subsampling\n\n",
        "(the)[왕]-of- land \n",
        "    the                →  왕 1  of 0\n",
        "    mean of land, the  →  of 0\n",
        "\n",
    ]


def test_steps_are_drawn_in_colours():
    assert list(step_lines(iter([SENTENCE]), ["the", "왕", "of", "land"], TrainConfig(threads=1, loss="hs"), TRUE)) == [
        "\x1b[1msentence 1: 4 words, 1 dropped by subsampling\x1b[0m\n\n",
        "\x1b[48;2;253;219;199;30m the \x1b[0m\x1b[48;2;214;96;77;30;1m 왕 \x1b[0m"
        "\x1b[2;9m of \x1b[0m\x1b[2m land \x1b[0m\n",
        "    the                →  \x1b[48;2;67;147;195;30m node 1 1 \x1b[0m "
        "\x1b[48;2;222;235;247;30m node 2 0 \x1b[0m\n",
        "    mean of land, the  →  \x1b[48;2;222;235;247;30m node 2 0 \x1b[0m\n",
        "\n",
    ]
