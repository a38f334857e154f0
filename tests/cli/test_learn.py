"""`w2v learn` as a process: the page, the player in a terminal, and what is refused."""

from __future__ import annotations

import json
import os
import re

import pytest

from .test_terminal import TIMEOUT_S, Screen

FOX = "the quick brown fox jumps over the lazy dog"


def test_nine_words_become_a_page_at_once(w2v, tmp_path):
    done = w2v("learn", FOX, "-o", "fox.html", "--epochs", "20")
    assert done.returncode == 0, done.err
    assert "fox.html: 8 words, 180 steps of 20 epochs" in done.err
    page = (tmp_path / "fox.html").read_text(encoding="utf-8")
    lesson = json.loads(re.search(r'id="data-lesson">(.*?)</script>', page)[1])
    assert lesson["words"][0] == "the"
    assert len(lesson["losses"]) == 20
    assert lesson["losses"][-1] < lesson["losses"][0]


def test_words_are_data_in_the_page_never_markup(w2v, tmp_path):
    done = w2v("learn", "</script><b> <!-- a </script><b>", "-o", "x.html", "--epochs", "2")
    assert done.returncode == 0, done.err
    page = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert page.count("</script>") == 2
    assert "<!--" not in page


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ((), 2, "give a sentence"),
        ((FOX,), 2, "-o page.html"),
        ((FOX, "-o", "fox.png"), 2, "end its name in .html"),
        ((FOX, "-o", "fox.html", "--loss", "softmax"), 2, "no samples"),
        (("alone", "-o", "fox.html"), 1, "a sample needs two words"),
        (("big.txt", "-o", "fox.html"), 1, "cannot be followed"),
    ],
)
def test_what_cannot_be_shown_is_refused(w2v, tmp_path, arguments, code, says):
    (tmp_path / "big.txt").write_text("".join(f"w{i} w{i + 1}\n" for i in range(600)))
    done = w2v("learn", *arguments)
    assert (done.returncode, done.out) == (code, "")
    assert says in done.err
    assert not (tmp_path / "fox.html").exists()


def test_it_plays_in_a_terminal_and_keys_move_it(start):
    screen = Screen(columns=100)
    ends = dict.fromkeys(("stdin", "stdout", "stderr"), screen.process_end)
    process = start("learn", FOX, "--epochs", "30", env={"TERM": "xterm"}, **ends)
    screen.read_until(rb"the beginning")
    os.write(screen.end, b" ")
    os.write(screen.end, b"n")
    screen.read_until(rb"epoch 1 of 30")
    os.write(screen.end, b"\x1b[C")
    screen.read_until(rb"\[samples\]")
    os.write(screen.end, b"e")
    screen.read_until(rb"epoch 2 of 30")
    os.write(screen.end, b"g")
    os.write(screen.end, b"9")
    os.write(screen.end, b"\n")
    screen.read_until(rb"epoch 9 of 30")
    os.write(screen.end, b"\x1b[D")
    screen.read_until(rb"epoch 8 of 30")
    os.write(screen.end, b"q")
    assert process.wait(TIMEOUT_S) == 0
