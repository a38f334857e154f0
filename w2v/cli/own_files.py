"""w2v's own files, looked at by `w2v check`: an encoded corpus, the checkpoint of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from w2v.errors import CheckpointError, CorpusError

if TYPE_CHECKING:
    from w2v.findings import Report

__all__ = ["check_own"]

HEAD_BYTES = 4096
CHECKPOINT = b'"format":"w2v checkpoint '


def check_own(path: str, head: bytes) -> Report | None:
    """What is to be said of a file that begins with `head`, None if it is neither of the two."""
    from w2v.corpus.ids_file import is_encoded_head
    from w2v.findings import FAULT, Report
    from w2v.safetensors import is_safetensors

    head = head[:HEAD_BYTES]
    if is_encoded_head(head[:256]):
        add = _add_corpus
    elif is_safetensors(head) and CHECKPOINT in head:
        add = _add_checkpoint
    else:
        return None
    report = Report(path, "corpus" if add is _add_corpus else "checkpoint")
    try:
        add(report, path)
    except (CorpusError, CheckpointError) as error:
        report.add(FAULT, "unreadable", 1, "", str(error).removeprefix(f"{path}: "))
    return report


def _add_corpus(report: Report, path: str) -> None:
    from w2v.corpus.encoded import EncodedCorpus
    from w2v.findings import FACT

    corpus = EncodedCorpus.load(path)
    try:
        report.add(FACT, "format", "encoded corpus")
        report.add(FACT, "words", len(corpus.vocab))
        report.add(FACT, "tokens", corpus.token_counts.kept)
        report.add(FACT, "sentences", corpus.token_counts.sentences)
    finally:
        corpus.close()


def _add_checkpoint(report: Report, path: str) -> None:
    from w2v.findings import FACT
    from w2v.training.checkpoint import Checkpoint

    with Checkpoint(path) as checkpoint:
        report.add(FACT, "format", "checkpoint of a training")
        report.add(FACT, "words", len(checkpoint.vocab()))
        report.add(FACT, "epochs done", checkpoint.epoch)
        report.add(FACT, "share done", round(checkpoint.share, 6))
        checkpoint.check_all()
