"""Ids past the memory limit lie in files without names, and are the same."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest

from w2v.corpus.config import CorpusConfig
from w2v.corpus.reader import read_corpus
from w2v.errors import SettingsError


@pytest.fixture
def text_path(tmp_path):
    rng = np.random.default_rng(7)
    path = tmp_path / "text"
    path.write_text("".join(f"w{min(int(i), 999)}{chr(10) if i == 3 else ' '}" for i in rng.zipf(1.4, 50000)))
    return path


@pytest.mark.parametrize("memory_limit", [0, 1000, 60000, 150000, 250000])
@pytest.mark.parametrize("threads", [1, 3])
def test_spooled_ids_equal_those_in_memory(tmp_path, text_path, memory_limit, threads):
    folder = tmp_path / "tmp"
    folder.mkdir()
    config = CorpusConfig(min_count=2)
    plain = read_corpus([text_path], config, threads=1)
    corpus = read_corpus(
        [text_path], config, threads=threads, memory_limit=memory_limit, tmp_dir=folder, block_size=5000
    )
    assert corpus.spooled == (len(plain.ids) * 4 > memory_limit)
    assert os.listdir(folder) == []
    assert np.array_equal(corpus.ids, plain.ids)
    assert corpus.digest() == plain.digest()
    assert corpus.ids.dtype == np.int32
    assert corpus.ids.flags.c_contiguous
    assert not corpus.ids.flags.writeable
    corpus.close()


def test_missing_tmp_dir_is_said_before_any_work(tmp_path, text_path):
    with pytest.raises(SettingsError, match="tmp_dir"):
        read_corpus([text_path], CorpusConfig(), tmp_dir=tmp_path / "no")


def test_full_disk_names_the_folder(tmp_path, text_path, monkeypatch):
    from w2v.corpus import spool

    monkeypatch.setattr(spool, "unnamed_file", lambda folder: open("/dev/full", "r+b", buffering=0))  # noqa: SIM115
    with pytest.raises(OSError, match="tmp_dir") as e:
        read_corpus([text_path], CorpusConfig(), memory_limit=0, tmp_dir=tmp_path)
    assert e.value.errno in (errno.ENOSPC, errno.ESPIPE)


@pytest.mark.parametrize(("words", "spooled"), [(500, False), (5000, True)])
def test_ids_wait_in_a_file_while_a_larger_table_of_words_takes_the_memory(words, spooled, tmp_path, monkeypatch):
    """20,000 ids, in blocks of 1,000, have more bytes than the table of 500 words and fewer than that of 5,000."""
    monkeypatch.setattr("w2v.corpus.spool.LARGE_TABLE", 1000)
    path = tmp_path / "text"
    path.write_text("".join(f"w{i * 7919 % words}{' ' if i % 9 else chr(10)}" for i in range(20_000)))
    plain = read_corpus([path], CorpusConfig(min_count=1))
    corpus = read_corpus([path], CorpusConfig(min_count=1), threads=2, block_size=5000)
    assert corpus.spooled == spooled
    assert (corpus.digest(), corpus.token_counts) == (plain.digest(), plain.token_counts)
    corpus.close()
