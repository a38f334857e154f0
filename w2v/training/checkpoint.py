"""A run on disk: everything that a later process needs to go on as if nothing had happened.

One safetensors file: both matrices, the words and their counts, each worker's random state, pool of negatives, counters
and loss, what is left of the epoch, the loss of each epoch; as JSON in its metadata the settings, the corpus's digest,
and where the run was. A checksum of each part finds every flipped bit. The file is written between two spans, when no
change waits in a private row.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

import w2v
from w2v.corpus._words import words_of
from w2v.corpus.config import word_settings
from w2v.corpus.vocab import Vocab
from w2v.errors import CheckpointError, printable, setting
from w2v.kernel._tables import first_bad_row
from w2v.output import HeldOutput
from w2v.safetensors import is_safetensors
from w2v.training.config import SETTINGS_OF_THE_MACHINE, TrainConfig
from w2v.training.evaluation import trained_tokens
from w2v.training.state import Best, Totals
from w2v.training.subwords import find_parts, made_vectors, moved_rows
from w2v.training.tensors import Tensor, TensorFile, file_size, header_of, matrix_tensor, write_tensors
from w2v.vectors.formats import ModelParts
from w2v.vectors.vectors import Vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.corpus.config import CorpusConfig
    from w2v.corpus.encoded import CorpusInfo
    from w2v.kernel._state import Model
    from w2v.training.config import ResolvedConfig
    from w2v.training.state import TrainState

__all__ = ["Checkpoint", "CheckpointFile", "differences", "write_checkpoint"]

FORMAT = "w2v checkpoint 2"
Kind = TypeVar("Kind", bound="CheckpointFile")
NO_LOSS = -1.0  # of an epoch in which nothing was trained
LISTS = ("pool", "loss_mantissa")  # of a worker's state; the rest of it are whole numbers


def write_checkpoint(
    place: str | os.PathLike[str] | HeldOutput, state: TrainState, corpus_config: CorpusConfig | None
) -> int:
    """Write the state of a training that is at rest, in one step; returns the bytes written.

    Raises TrainingError if a value is not finite, OSError or W2VError if it cannot be written; what was there stays
    then.
    """
    state.check_finite()
    metadata = {"format": FORMAT, "state": json.dumps(_numbers(state, corpus_config), sort_keys=True)}
    tensors = _tensors(state)
    header = header_of(tensors, metadata)
    size = file_size(header, tensors)
    place = place if isinstance(place, HeldOutput) else HeldOutput(place)
    with place.replace(size) as out:
        write_tensors(out, header, tensors)
    return size


def _numbers(state: TrainState, corpus_config: CorpusConfig | None) -> dict[str, Any]:
    """What is not an array."""
    done = state.totals().tokens
    return {
        "w2v": w2v.__version__,
        "kernel": state.kernel,
        "train": dataclasses.asdict(state.config),
        "corpus": None if corpus_config is None else dataclasses.asdict(corpus_config),
        "digest": state.corpus.digest(),
        "tokens_per_epoch": state.tokens_per_epoch,
        "tokens_done": done,
        "lr": state.lr_at(done),
        "epoch": state.epoch,
        "ended": state.ended,
        "best_epoch": state.best.epoch if state.best else None,
        "scores": {name: value for name, value in state.scores.items() if math.isfinite(value)},
        "epoch_start": dataclasses.asdict(state.epoch_start),
        "carried": dataclasses.asdict(state.carried),
        "seconds": state.seconds,
        "workers": [{k: v for k, v in worker.get_state().items() if k not in LISTS} for worker in state.workers],
    }


def _tensors(state: TrainState) -> dict[str, Tensor]:
    """Wide types first, so that all are aligned."""
    model, vocab = state.model, state.corpus.vocab
    workers = [worker.get_state() for worker in state.workers]
    best = (
        {}
        if state.best is None
        else {
            "best_vectors": matrix_tensor(state.best.inputs, model.dim),
            "best_outputs": matrix_tensor(state.best.outputs, model.dim),
        }
    )
    return {
        "counts": Tensor.of(vocab.counts),
        "left": Tensor.of(np.array(state.spans.state(), np.int64).reshape(-1, 2)),
        "epoch_losses": Tensor.of(np.array([NO_LOSS if x is None else x for x in state.epoch_losses], np.float64)),
        "held_out_losses": Tensor.of(np.array(state.held_out_losses, np.float64)),
        "worker_loss": Tensor.of(np.array([s["loss_mantissa"] for s in workers], np.float32)),
        "worker_pool": Tensor.of(np.array([s["pool"] for s in workers], np.int32).reshape(len(workers), -1)),
        "word_lengths": Tensor.of(np.asarray(vocab.words.lengths())),
        "vectors": matrix_tensor(model.inputs, model.dim),
        "outputs": matrix_tensor(model.outputs, model.dim),
        **best,
        "words": Tensor.of(np.frombuffer(vocab.words.joined(), np.uint8)),
    }


class CheckpointFile:
    """A checkpoint of any kind, open for reading; a context manager. CheckpointError says what is wrong with it.

    A kind sets `FORMAT` and `OTHERWISE`, what to do with a file of another one, and checks its state in `_parse`.
    """

    FORMAT = ""
    OTHERWISE = ""

    def __init__(self, path: str | os.PathLike[str]):
        self.name = os.fspath(path)
        if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):  # a pipe would be waited for
            raise CheckpointError(f"{self.name}: is a pipe or a device; {self.OTHERWISE}")
        with open(path, "rb") as file:
            if not is_safetensors(file.read(16)):
                found = "not a checkpoint, or cut or damaged at its start"
                raise CheckpointError(f"{self.name}: {found}; {self.OTHERWISE}")
        self._file = TensorFile(path, CheckpointError)
        try:
            if self._file.metadata.get("format") != self.FORMAT:
                raise self.error("the header", f"this is not a {self.FORMAT!r}; {self.OTHERWISE}")
            self._file.check_header()
            try:
                state = json.loads(self._file.metadata.get("state", ""))
            except (ValueError, RecursionError):
                raise self.error("the state", "it is not JSON that can be read") from None
            self.state = self._parse(state)
        except BaseException:
            self.close()
            raise

    def __enter__(self: Kind) -> Kind:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.__exit__()

    def check_all(self) -> None:
        """Read everything; CheckpointError where a bit of it has changed."""
        self._file.check_tensors()

    def error(self, place: str, found: str) -> CheckpointError:
        # What is quoted from the file may hold anything.
        return CheckpointError(f"{self.name}: {place}: {printable(found)}")

    @property
    def seconds(self) -> float:
        """Spent on training so far."""
        return float(self.state["seconds"])

    def check_settings(self, config: TrainConfig, corpus_config: CorpusConfig | None = None) -> None:
        """Raise CheckpointError naming every setting that differs. `config` may be unresolved."""
        found = differences(self.state["train"], config.resolved(), set(SETTINGS_OF_THE_MACHINE))
        if corpus_config is not None and self.state["corpus"] is not None:
            found += differences(self.state["corpus"], corpus_config, set())
        if found:
            raise self.error(
                "another run's settings", f"{', '.join(found)}; give the settings that the run was started with"
            )

    def _parse(self, state: Any) -> dict[str, Any]:
        """The state, whose parts all have the right type."""
        raise NotImplementedError


def is_checkpoint(path: str | os.PathLike[str]) -> bool:
    """Whether a file is the checkpoint of a training, by its header."""
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        if not is_safetensors(file.read(16)):
            return False
    with TensorFile(path, CheckpointError) as tensors:
        return tensors.metadata.get("format") == FORMAT


class Checkpoint(CheckpointFile):
    """A checkpoint open for reading; a context manager. CheckpointError says what is wrong with it, and where."""

    FORMAT = FORMAT
    OTHERWISE = "give the file that a run of w2v left"

    @property
    def epoch(self) -> int:
        """Epochs that are done."""
        return int(self.state["epoch"])

    @property
    def finished(self) -> bool:
        """Whether the run has ended, so that it can only be gone on from with other text."""
        return self.state.get("ended") is True

    @property
    def share(self) -> float:
        """How much of the run is done, 0 to 1."""
        total = self.state["tokens_per_epoch"] * self.state["train"].get("epochs", 0)
        return min(1.0, self.state["tokens_done"] / total) if total else 0.0

    def check_kernel(self, config: ResolvedConfig, kernel: str) -> None:
        """Raise CheckpointError if the run can only be reproduced with another kernel."""
        if config.reproducible and self.state.get("kernel") != kernel:
            found = printable(str(self.state.get("kernel")))
            raise self.error("another kernel", f"it is of {found:.40}, here is {kernel}; set W2V_KERNEL={found:.40}")

    def check_corpus(self, corpus: CorpusInfo) -> None:
        """Raise CheckpointError if the vocabulary or the text is another one."""
        vocab = corpus.vocab
        counts, lengths = self._file.read("counts", "I64", 1), self._file.read("word_lengths", "I32", 1)
        if len(counts) != len(vocab):
            raise self.error("another corpus", f"the vocabulary had {len(counts):,} words and has {len(vocab):,} now")
        same = np.array_equal(lengths, vocab.words.lengths())
        if not same or self._file.read("words", "U8", 1).tobytes() != vocab.words.joined():
            raise self.error("another corpus", "the vocabulary holds other words now")
        if not np.array_equal(counts, vocab.counts):
            row = int(np.argmax(counts != vocab.counts))
            word = vocab.words[row].decode("utf-8", "backslashreplace")
            raise self.error(
                "another corpus", f'"{word}" occurred {counts[row]:,} times and occurs {vocab.counts[row]:,} times now'
            )
        if self.state["digest"] != corpus.digest():
            raise self.error(
                "another corpus",
                f"the words are in another order now (digest {self.state['digest'][:16]}, now {corpus.digest()[:16]})",
            )

    def fill(self, model: Model) -> None:
        """The rows of both matrices."""
        for name, matrix in (("vectors", model.inputs), ("outputs", model.outputs)):
            self._read_matrix(name, matrix, model.dim)

    def _read_matrix(self, name: str, matrix: NDArray[np.float32], dim: int) -> None:
        self._file.read_rows(name, matrix[:, :dim])
        bad = first_bad_row(matrix, 0, len(matrix))
        if bad >= 0:
            raise self.error(f"tensor {name}, row {bad + 1}", "a value is not finite")

    def vocab(self) -> Vocab:
        """The words and their counts, in the order of the rows."""
        counts, lengths = self._file.read("counts", "I64", 1), self._file.read("word_lengths", "I32", 1)
        text = self._file.read("words", "U8", 1)
        if len(counts) != len(lengths) or np.any(lengths < 1) or int(lengths.sum(dtype=np.int64)) != len(text):
            raise self.error("the words", "their lengths do not add up")
        words = words_of(text, lengths)
        if words.repeats() or np.any(counts < 0) or np.any(counts > 1 << 60):
            raise self.error("the words", "a word occurs twice, or a count is impossible")
        return Vocab(words, counts)

    def vectors(self) -> Vectors:
        """The vectors as they are in the run, with the other matrix and the counts."""
        vocab, settings = self.vocab(), TrainConfig(**self.state["train"]).resolved()
        parts = find_parts(vocab.words, settings, vocab.counts)
        matrices = [
            np.empty((rows, settings.dim), np.float32)
            for rows in (
                len(vocab) if parts is None else len(parts.sizes) + 2 * parts.whole,
                len(vocab) - (settings.loss == "hs"),
            )
        ]
        for name, matrix in zip(("vectors", "outputs"), matrices, strict=True):
            self._read_matrix(name, matrix, settings.dim)
        made, subwords = made_vectors(vocab.words, settings, parts, matrices[0])
        vectors = Vectors(vocab.words, made)
        vectors.subwords = subwords
        vectors.metadata.update({**settings.as_text(), **word_settings(self.state["corpus"])})
        vectors.model = ModelParts(matrices[1], vocab.counts)
        return vectors

    def scatter(self, model: Model, rows: NDArray[np.int64]) -> None:
        """Both matrices, those of the best epoch if it was kept, into other rows: those of word i are of word rows[i]
        now."""
        prefix = "best_" if self.state.get("best_epoch") is not None else ""
        settings, vocab = TrainConfig(**self.state["train"]).resolved(), self.vocab()
        parts = find_parts(vocab.words, settings, vocab.counts)
        if parts is None or model.parts is None:
            self._scatter_rows(f"{prefix}vectors", model.inputs, rows, model.dim)
        else:
            before = np.empty((len(parts.sizes) + 2 * parts.whole, model.dim), np.float32)
            self._read_matrix(f"{prefix}vectors", before, model.dim)
            for old, new in moved_rows(parts, model.parts, rows):
                model.inputs[new, : model.dim] = before[old]
        self._scatter_rows(f"{prefix}outputs", model.outputs, rows, model.dim)

    def _scatter_rows(self, name: str, matrix: NDArray[np.float32], rows: NDArray[np.int64], dim: int) -> None:
        for first, block in self._file.row_blocks(name, len(rows), dim):
            if not np.all(np.isfinite(block)):
                place = f"tensor {name}, rows {first + 1} to {first + len(block)}"
                raise self.error(place, "a value is not finite")
            matrix[rows[first : first + len(block)], :dim] = block

    def restore(self, state: TrainState, ids: NDArray[np.int32]) -> None:
        """Everything else, into the fresh state of a training whose settings, corpus and matrices are those of this
        checkpoint."""
        state.carried = Totals(**self.state["carried"])
        state.epoch_start = Totals(**self.state["epoch_start"])
        self._restore_workers(state)
        self._restore_place(state, ids)
        self._restore_measures(state)
        state.seconds = self.state["seconds"]

    def _restore_workers(self, state: TrainState) -> None:
        loss, pool = self._file.read("worker_loss", "F32", 2), self._file.read("worker_pool", "I32", 2)
        numbers = self.state["workers"]
        if not len(numbers) == len(loss) == len(pool):
            raise self.error("the workers", "their states are not of one number")
        if not np.all((loss > 0) & np.isfinite(loss)):
            raise self.error("the workers", "a loss is not finite")
        if state.config.reproducible and len(numbers) != len(state.workers):
            raise self.error("the workers", f"{len(numbers)} lanes, and this version has {len(state.workers)}")
        for i, rest in enumerate(numbers):
            worker = {**rest, "pool": pool[i].tolist(), "loss_mantissa": loss[i].tolist()}
            try:
                if i < len(state.workers):
                    state.workers[i].set_state(worker)
                else:  # fewer threads than before: what it did still counts
                    _carry(state.carried, worker)
            except (ValueError, IndexError, KeyError, OverflowError) as error:
                raise self.error(f"worker {i + 1}", f"its state cannot be ({error})") from None
        sums = state.totals()
        if min(sums.trained, sums.subsampled, sums.alone, sums.examples) < 0:
            raise self.error("the workers", "a counter is negative")

    def _restore_place(self, state: TrainState, ids: NDArray[np.int32]) -> None:
        left, losses = self._file.read("left", "I64", 2), self._file.read("epoch_losses", "F64", 1)
        epoch, epochs = self.epoch, state.config.epochs
        fits = np.all(np.isfinite(losses) & ((losses >= 0) | (losses == NO_LOSS)))
        if not (0 <= epoch <= epochs and len(losses) == epoch and fits):
            raise self.error("the place", f"epoch {epoch} of {epochs} with {len(losses)} losses")
        if left.shape[1] != 2:
            raise self.error("the place", f"rows of {left.shape[1]} numbers, not 2")
        ends = [0, *left[:, 1].tolist()]
        if any(not a <= b <= c for a, (b, c) in zip(ends[:-1], left.tolist(), strict=True)):
            raise self.error("the place", "what is left of the epoch is out of order")
        if ends[-1] != len(ids) or any(0 < start < len(ids) and ids[start - 1] != -1 for start in left[:, 0].tolist()):
            raise self.error("the place", "what is left of the epoch does not lie between sentences of the corpus")
        ahead = sum(trained_tokens(ids, start, stop, state.config) for start, stop in left.tolist())
        ahead += state.spans.in_hand
        if state.totals().tokens + ahead != (epoch + 1) * state.tokens_per_epoch:
            raise self.error("the place", "tokens done and tokens left do not add up to the corpus")
        state.epoch, state.epoch_losses = epoch, [None if loss == NO_LOSS else loss for loss in losses.tolist()]
        try:
            state.spans.left = left.tolist()
        except ValueError:
            raise self.error("the place", f"what is left of the epoch is in {len(left)} parts") from None

    def _restore_measures(self, state: TrainState) -> None:
        """What was measured on the way, and the best epoch's matrices."""
        losses = self._file.read("held_out_losses", "F64", 1)
        if state.config.held_out:
            if len(losses) != self.epoch or not np.all(np.isfinite(losses)):
                raise self.error("the held-out losses", f"{len(losses)} of them after {self.epoch} epochs")
            state.held_out_losses = list(map(float, losses))
        state.scores = dict(self.state.get("scores") or {})
        best = self.state.get("best_epoch")
        if best is not None:
            state.best = Best.of(state.model, best)
            self._read_matrix("best_vectors", state.best.inputs, state.model.dim)
            self._read_matrix("best_outputs", state.best.outputs, state.model.dim)

    def _parse(self, state: Any) -> dict[str, Any]:
        if not isinstance(state, dict):
            raise self.error("the state", "it is not an object")
        wanted: dict[str, Any] = {
            "train": dict,
            "digest": str,
            "epoch": int,
            "tokens_per_epoch": int,
            "tokens_done": int,
            "epoch_start": dict,
            "carried": dict,
            "seconds": (int, float),
        }
        for name, kind in wanted.items():
            value = state.get(name)
            if not isinstance(value, kind) or (isinstance(value, (int, float)) and not 0 <= value < 2**62):
                raise self.error("the state", f"{name} is missing or wrong")
        if not isinstance(state.get("corpus"), (dict, type(None))):
            raise self.error("the state", "corpus is wrong")
        best, scores = state.get("best_epoch"), state.get("scores", {})
        if best is not None and not (type(best) is int and 1 <= best <= state["epoch"]):
            raise self.error("the state", "best_epoch is wrong")
        if not isinstance(scores, dict) or not all(isinstance(value, (int, float)) for value in scores.values()):
            raise self.error("the state", "scores are wrong")
        workers = state.get("workers")
        if not isinstance(workers, list) or not all(isinstance(w, dict) and _whole(w.values()) for w in workers):
            raise self.error("the state", "workers are missing or wrong")
        if type(state["train"].get("epochs")) is not int:
            raise self.error("the state", "the number of epochs is missing")
        for name in ("epoch_start", "carried"):
            sums = state[name]
            good = sums.keys() == {f.name for f in dataclasses.fields(Totals)} and all(
                isinstance(v, float) if k == "loss" else type(v) is int and 0 <= v < 2**62 for k, v in sums.items()
            )
            if not good or not math.isfinite(sums["loss"]):
                raise self.error("the state", f"{name} is wrong")
        return state


def _whole(values: Iterable[Any]) -> bool:
    """Whether all are whole numbers of 64 bits, with or without a sign."""
    return all(type(value) is int and -(2**63) <= value < 2**64 for value in values)


def _carry(sums: Totals, state: dict[str, Any]) -> None:
    """Add a worker's counters and loss (see Worker.loss_sum) to sums."""
    for name in ("trained", "subsampled", "alone", "examples"):
        setattr(sums, name, getattr(sums, name) + state[name])
    sums.loss -= state["loss_total"] * math.log(2) + sum(map(math.log, state["loss_mantissa"]))


def differences(saved: dict[str, Any], config: TrainConfig | CorpusConfig, free: set[str]) -> list[str]:
    """What differs, as `dim was 100, is 200`."""
    now = dataclasses.asdict(config)
    names = [name for name in {**now, **saved} if name not in free and saved.get(name, ...) != now.get(name, ...)]
    return [f"{setting(name)} was {_shown(saved, name)}, is {_shown(now, name)}" for name in names]


def _shown(settings: dict[str, Any], name: str) -> str:
    value = settings.get(name, "unknown")
    return "not given" if value is None else f"{value!s:.40}"
