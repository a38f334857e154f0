from __future__ import annotations

from types import SimpleNamespace

from w2v.cli.summary import summary_lines

ZERO = dict.fromkeys(
    (
        "below_min_count",
        "beyond_max_vocab",
        "not_in_vocab",
        "too_long",
        "no_word",
        "joined",
        "cut_sentences",
        "nul_bytes",
        "not_utf8",
    ),
    0,
)
TOKEN_COUNTS = {"read": 1000, "kept": 900, "sentences": 90, "text_bytes": 6000, "types_read": 120, "files": 1}
SUMMARY = {
    "tokens_total": 4500,
    "trained": 3000,
    "subsampled": 1490,
    "alone": 10,
    "epochs": 5,
    "words_per_s": 9000.0,
    "loss": 0.25,
    "held_out": 0,
    "epoch_losses": (0.3, 0.2),
    "held_out_losses": (),
    "best_epoch": None,
    "stopped_early": False,
    "threads": 2,
    "reproducible": None,
    "kernel": "avx2",
    "seconds": 0.5,
}
TIMES = {"reading": 0.1, "training": 0.5, "all": 0.7}


def lines(output: str = "v.bin", summary: dict | None = None, **token_counts: int) -> list[str]:
    corpus = SimpleNamespace(token_counts=SimpleNamespace(**{**ZERO, **TOKEN_COUNTS, **token_counts}))
    result = SimpleNamespace(summary=SimpleNamespace(**{**SUMMARY, **(summary or {})}))
    done = SimpleNamespace(corpus=corpus, result=result, times=TIMES, content="50 words x 100")
    return summary_lines(done, output)


def numbers(text: list[str], *words: str) -> int:
    """Sum of the first columns of the lines that hold one of the words."""
    return sum(int(t.split()[0].replace(",", "")) for t in text if any(w in t for w in words))


def test_summary_adds_up():
    text = lines(below_min_count=60, too_long=30, no_word=10)
    assert numbers(text, "tokens read") == numbers(text, "dropped", "tokens kept")
    assert numbers(text, "epochs") == numbers(text, "left out", "tokens trained")


def test_summary_names_only_reasons_that_occur():
    assert not [t for t in lines(kept=1000) if "dropped" in t]
    assert [t for t in lines(kept=990, too_long=10) if "dropped" in t] == ["   10  dropped, longer than 1,024 bytes"]


def test_summary_tells_what_was_cut():
    assert any("1  sentences longer than 10,000 tokens were cut" in t for t in lines(cut_sentences=1))


def test_numbers_are_in_one_column():
    text = lines(below_min_count=100, summary={"held_out": 12})[:-4]
    assert len({len(t) - len(t.lstrip(" 0123456789,")) for t in text}) == 1


def test_last_line_says_where_the_vectors_are():
    assert lines()[-1] == "v.bin: 50 words x 100"


def test_losses_are_told_by_epoch_and_the_middle_of_many_is_left_out():
    told = {"epoch_losses": (0.5,) * 30, "held_out_losses": (0.25, 0.125), "best_epoch": 2}
    assert lines(summary=told)[-6:-3] == [
        "loss by epoch: 0.5000 0.5000 0.5000 0.5000 0.5000 ... 0.5000 0.5000 0.5000 0.5000 0.5000",
        "held-out loss after each: 0.2500 0.1250",
        "the vectors are those of epoch 2",
    ]
    assert not [t for t in lines(summary={"epoch_losses": (0.5,)}) if "by epoch" in t]


def test_the_time_of_a_resumed_run_is_its_own_and_what_came_before_is_said_beside_it():
    assert "0.7 s in all: 0.1 s reading, 0.5 s training" in lines()
    assert "0.7 s in all: 0.1 s reading, 0.5 s training; trained for 4.0 s before it was resumed" in lines(
        summary={"seconds": 4.5}
    )
