"""The sample corpus: made again to the same text, plain words only, with questions that it can answer."""

from __future__ import annotations

import collections
import gzip
import hashlib
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "make_world.py"
CORPUS = ROOT / "data" / "world.txt.gz"
QUESTIONS = ROOT / "data" / "world-questions.txt"


def make_world(*arguments: object, **settings: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, env=os.environ | settings, timeout=120)


@pytest.fixture(scope="module")
def text() -> str:
    return gzip.decompress(CORPUS.read_bytes()).decode("ascii")


@pytest.fixture(scope="module")
def counts(text: str) -> collections.Counter[str]:
    return collections.Counter(text.split())


@pytest.fixture(scope="module")
def sections() -> dict[str, list[list[str]]]:
    found: dict[str, list[list[str]]] = {}
    for line in QUESTIONS.read_text(encoding="ascii").splitlines():
        if line.startswith(": "):
            section = found.setdefault(line[2:], [])
        else:
            section.append(line.split(" "))
    return found


@pytest.fixture
def inflection(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    return importlib.import_module("world.inflection")


def test_script_makes_the_corpus_and_the_questions_again(tmp_path: Path) -> None:
    # the text is compared, not the archive: another zlib may compress it differently
    corpus, questions = tmp_path / "world.txt.gz", tmp_path / "questions.txt"
    done = make_world("--seed", 1, "-o", corpus, "--questions", questions)
    assert done.returncode == 0, done.stderr
    made = gzip.decompress(corpus.read_bytes())
    kept = gzip.decompress(CORPUS.read_bytes())
    assert hashlib.sha256(made).hexdigest() == hashlib.sha256(kept).hexdigest()
    assert questions.read_bytes() == QUESTIONS.read_bytes()
    assert hashlib.sha256(made).hexdigest().encode() in done.stderr


def test_text_does_not_depend_on_the_hash_seed() -> None:
    one, two = (make_world("--tokens", 20_000, "-q", PYTHONHASHSEED=seed) for seed in ("1", "2"))
    assert one.stdout == two.stdout
    assert one.stderr == b""


def test_text_is_whole_when_python_does_not_buffer() -> None:
    one, two = (make_world("--tokens", 50_000, "-q", PYTHONUNBUFFERED=value) for value in ("", "1"))
    assert len(one.stdout.split()) >= 50_000
    assert one.stdout == two.stdout


def test_another_seed_makes_another_text() -> None:
    one, two = (make_world("--tokens", 2_000, "--seed", seed, "-q").stdout for seed in (1, 2))
    assert one != two
    assert len(one.split()) >= 2_000


def test_archive_is_small_and_carries_no_time() -> None:
    archive = CORPUS.read_bytes()
    assert len(archive) <= 3_000_000
    assert archive[4:8] == bytes(4)  # MTIME of the gzip header


def test_corpus_is_plain_lower_case_sentences(text: str) -> None:
    assert re.fullmatch(r"(?:[a-z]+(?: [a-z]+)*\n)+", text)


def test_corpus_is_large_enough_for_its_purpose(text: str, counts: collections.Counter[str]) -> None:
    assert counts.total() >= 1_000_000
    assert sum(count >= 5 for count in counts.values()) >= 4_000
    lines = text.splitlines()
    assert len(set(lines)) > 0.75 * len(lines)  # sentences of many kinds, not a few said over and over


def test_articles_agree_with_the_word_that_follows(text: str) -> None:
    assert not re.findall(r"\ba (?:apple|egg|inn|old|orange|uncle|umbrella|hour|heir|honest)\b", text)
    assert not re.findall(r"\ban (?:[bcdfgjklmnpqrstvwxyz]\w*|european|unicorn|university)\b", text)


def test_king_keeps_company_with_he_and_queen_with_she(text: str) -> None:
    near = {word: collections.Counter() for word in ("king", "man", "queen", "woman")}
    for line in text.splitlines():
        words = line.split()
        for i, word in enumerate(words):
            if word in near:
                near[word].update(words[max(0, i - 5) : i] + words[i + 1 : i + 6])
    for man, woman in (("king", "queen"), ("man", "woman")):
        assert near[man]["his"] > 1.5 * near[man]["her"]
        assert near[woman]["her"] > 1.5 * near[woman]["his"]
    for one in ("king", "queen"):
        assert near[one]["throne"] > 10 * max(near["man"]["throne"], near["woman"]["throne"], 1)


def test_questions_have_four_known_words_each(counts: collections.Counter[str], sections: dict) -> None:
    for questions in sections.values():
        for words in questions:
            assert len(words) == 4
            assert len(set(words)) == 4
            assert min(counts[word] for word in words) >= 5


def test_questions_are_many_and_none_is_asked_twice(sections: dict) -> None:
    assert all(len(questions) >= 20 for questions in sections.values())
    asked = [tuple(words) for questions in sections.values() for words in questions]
    assert 500 <= len(asked) <= 3_000
    for questions in sections.values():
        assert len({tuple(words) for words in questions}) == len(questions)


def test_sections_are_named_as_evaluators_expect(sections: dict) -> None:
    syntactic = [name for name in sections if name.startswith("gram")]
    assert len(syntactic) >= 7
    assert len(sections) - len(syntactic) >= 5
    assert ["man", "woman", "king", "queen"] in sections["family"]


@pytest.mark.parametrize(
    ("function", "word", "form"),
    [
        ("plural", "city", "cities"), ("plural", "box", "boxes"), ("plural", "wolf", "wolves"),
        ("plural", "day", "days"),
        ("present", "carry", "carries"), ("present", "go", "goes"), ("present", "play", "plays"),
        ("past", "stop", "stopped"), ("past", "travel", "travelled"), ("past", "visit", "visited"),
        ("past", "go", "went"),
        ("past", "fix", "fixed"), ("participle", "write", "written"), ("participle", "carry", "carried"),
        ("verbing", "lie", "lying"), ("verbing", "dye", "dyeing"), ("verbing", "swim", "swimming"),
        ("verbing", "be", "being"), ("verbing", "make", "making"), ("comparative", "big", "bigger"),
        ("comparative", "dry", "drier"), ("comparative", "good", "better"), ("superlative", "wide", "widest"),
        ("superlative", "sweet", "sweetest"), ("adverb", "happy", "happily"), ("adverb", "gentle", "gently"),
        ("adverb", "friendly", ""),
    ],
)  # fmt: skip
def test_english_form_is_right(inflection, function: str, word: str, form: str) -> None:
    assert getattr(inflection, function)(word) == form


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
def test_training_at_the_defaults_answers_queen(tmp_path: Path, model: str) -> None:
    vectors = str(tmp_path / "vectors.bin")
    w2v = [sys.executable, "-m", "w2v"]
    train = [*w2v, "train", str(CORPUS), "-o", vectors, "--quiet", "--model", model, "--threads", "2"]
    subprocess.run(train, check=True, timeout=120, cwd=tmp_path)
    command = [*w2v, "analogy", vectors, "man", "king", "woman"]
    done = subprocess.run(command, check=True, timeout=60, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert done.stdout.splitlines()[0].split("\t")[:3] == ["man king woman", "1", "queen"]


def test_help_shows_an_example() -> None:
    done = make_world("--help")
    assert done.returncode == 0
    assert b"--seed" in done.stdout
    assert b"example: make_world.py" in done.stdout


def test_bad_number_of_tokens_is_a_usage_error() -> None:
    done = make_world("--tokens", 0)
    assert done.returncode == 2
    assert b"--tokens: 0 is less than 1" in done.stderr


def test_unwritable_output_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    done = make_world("--tokens", 100, "-o", tmp_path / "no" / "such" / "world.txt")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert b"No such file" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_closed_pipe_ends_quietly(monkeypatch: pytest.MonkeyPatch, unbuffered: str) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    command = f"{sys.executable} {SCRIPT} --tokens 100000 -q | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=120)
    assert done.stdout.splitlines()[-1] == b"141"
    assert done.stderr == b""
