from __future__ import annotations

from types import SimpleNamespace

from w2v.cli import job
from w2v.cli.job import checkpoint_settings, tell_stop
from w2v.cli.summary import series, summary_lines
from w2v.training.checkpointing import CheckpointSettings
from w2v.training.progress import TrainingStopped

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


def test_a_summary_has_everything_in_its_order():
    every = {name: number for number, name in enumerate(ZERO, 1)}
    more = {"held_out": 12, "held_out_losses": (0.5,), "best_epoch": 1, "stopped_early": True, "threads": 1}
    cluster = {"nodes": 3, "exchanges": 1234, "bytes_exchanged": 5_000_000, "nodes_lost": 1, "chunks_lost": 1200}
    exact = {"reproducible": SimpleNamespace(kernel="avx512")}
    assert lines("standard output", summary={**more, **cluster, **exact}, **every) == [
        "1,000  tokens read (6.00 kB of text in 1 file; 120 types)",
        "    1  dropped, rarer than --min-count",
        "    2  dropped, beyond --max-vocab",
        "    3  dropped, not in the vocabulary that was read",
        "    4  dropped, longer than 1,024 bytes",
        "    5  dropped, holds no word for the tokenizer",
        "    6  joined to the token before them (--phrases)",
        "  900  tokens kept, in 90 sentences",
        "   12  held out of training (--held-out)",
        "4,500  tokens in 5 epochs",
        "1,490  left out by subsampling (--sample)",
        "   10  left out, alone in their sentence",
        "3,000  tokens trained",
        "    7  sentences longer than 10,000 tokens were cut",
        "    8  NUL bytes were taken as white space",
        "    9  tokens are not UTF-8, and were kept as they are; to convert: iconv -f ENCODING -t UTF-8 FILE > NEW",
        "loss by epoch: 0.3000 0.2000",
        "held-out loss after each: 0.5000",
        "stopped early: the held-out loss has not fallen since epoch 1",
        "the vectors are those of epoch 1",
        "9.00k words/s on 1 thread, kernel avx2, loss 0.2500",
        "0.7 s in all: 0.1 s reading, 0.5 s training",
        "the same bytes with any number of threads, with kernel avx512",
        "3 nodes, 5.00 MB exchanged in 1,234 exchanges; 1 lost on the way, 1,200 chunks trained again",
        "standard output: 50 words x 100",
    ]
    calm = lines(summary={**cluster, "nodes": 1, "nodes_lost": 0, "subsampled": 0, "alone": 0})
    assert calm[-2] == "1 node, 5.00 MB exchanged in 1,234 exchanges"
    assert not [line for line in calm if "left out" in line or "held out" in line]


def test_ten_losses_are_shown_and_of_eleven_the_middle_is_left_out():
    assert series([0.25] * 10).split() == ["0.2500"] * 10
    assert series([0.5, *[0.25] * 9, None]) == "0.5000 0.2500 0.2500 0.2500 0.2500 ... 0.2500 0.2500 0.2500 0.2500 -"


def given(**more) -> dict:
    return {"checkpoint": None, "checkpoint_every": 5.0, "resume": False, "keep_checkpoint": False, **more}


def test_a_checkpoint_is_beside_the_output_or_where_it_is_wanted():
    assert checkpoint_settings("v.bin", given()) == CheckpointSettings("v.bin.checkpoint", 5.0)
    assert checkpoint_settings("v.bin", given(checkpoint="c", resume="d")) == CheckpointSettings("c", 5.0, "d")
    assert checkpoint_settings("-", given(keep_checkpoint=True)) == CheckpointSettings(None, 5.0, keep=True)
    assert checkpoint_settings("/dev/null", given(replaces="r")) == CheckpointSettings(None, 5.0, replaces="r")
    left = given(other=1)
    checkpoint_settings("", left)
    assert left == {"other": 1}


def test_a_training_that_was_stopped_says_what_is_left_of_it(capsys):
    tell_stop(TrainingStopped(0.5))
    tell_stop(TrainingStopped(0.5, "c", OSError(28, "No space left on device", "c")))
    tell_stop(TrainingStopped(0.496, "c"))
    assert capsys.readouterr().err.splitlines() == [
        "w2v: nothing is kept of a training to standard output or a device; --checkpoint FILE keeps it",
        "w2v: warning: the run could not be kept: c: No space left on device",
        "w2v: stopped after 50 %; c holds the run. To continue:",
        "w2v:   w2v --resume",
    ]


def test_the_command_to_resume_is_the_present_one(monkeypatch):
    for before, after in (
        (["train", "a b.txt", "-o", "v"], "w2v train 'a b.txt' -o v --resume"),
        (["train", "a", "--resume"], "w2v train a --resume"),
        (["train", "a", "--resume=c"], "w2v train a --resume=c"),
        (["train", "a", "--resumed"], "w2v train a --resumed --resume"),
    ):
        monkeypatch.setattr(job, "arguments", lambda before=before: list(before))
        assert job.resume_command() == after
