from __future__ import annotations

import gzip
import io
import itertools
import os
import threading

import numpy as np
import pytest

from w2v.cluster import files
from w2v.cluster.chunks import Chunk, align, cut, cut_size, line_start
from w2v.cluster.files import RemoteSource, find_files
from w2v.corpus.config import CorpusConfig
from w2v.corpus.reader import read_corpus
from w2v.corpus.sources import STREAM
from w2v.errors import CorpusError, ThreadError


def aligned(path, size):
    chunks = cut(find_files([path]), size)
    return [align(chunk, i == 0) for i, chunk in enumerate(chunks)]


@pytest.mark.parametrize("size", [1, 3, 17, 100, 10_000])
@pytest.mark.parametrize("end", ["\n", ""])
def test_chunks_are_whole_lines_and_all_of_them(tmp_path, size, end):
    path = tmp_path / "text.txt"
    text = ("\n".join(["a b", "", "c", "d " * 40 + "e", "f g h"]) + end).encode()
    path.write_bytes(b"\xef\xbb\xbf" + text)
    spans = [(chunk.source.origin, chunk.source.stop) for chunk in aligned(path, size)]
    assert spans[0][0] == 3  # behind the byte order mark
    assert spans[-1][1] == 3 + len(text)
    assert all(stop == start for (_, stop), (start, _) in itertools.pairwise(spans))
    whole = path.read_bytes()
    assert all(stop == len(whole) or whole[stop - 1 : stop] == b"\n" for _, stop in spans)


def test_a_line_without_end_is_cut_at_a_space():
    file = io.BytesIO(b"one two three four five")
    assert line_start(file, 5, longest=10) == 7
    assert line_start(file, 7, longest=10) == 7
    assert line_start(file, 20, longest=10) == 23  # the end of the file comes first


def test_ids_of_the_chunks_are_those_of_the_whole_text(text):
    whole = read_corpus([text], CorpusConfig())
    chunks = aligned(text, 10_000)
    parts = [read_corpus(c.source, CorpusConfig(), vocab=whole.vocab, part=True) for c in chunks]
    assert len(parts) > 10
    np.testing.assert_array_equal(np.concatenate([part.ids for part in parts]), whole.ids)
    assert sum(part.token_counts.sentences for part in parts) == whole.token_counts.sentences


def test_a_compressed_file_of_one_member_is_one_chunk(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"a b c\n" * 1000))
    chunks = cut(find_files([tmp_path / "a.gz"]), 10)
    assert [chunk.source.stop for chunk in chunks] == [None]
    assert align(chunks[0], True) == chunks[0]


def test_an_encoded_corpus_is_refused_with_what_to_do(tmp_path, text):
    read_corpus([text], CorpusConfig()).save(tmp_path / "text.ids")
    with pytest.raises(CorpusError, match=r"text\.ids: an encoded corpus is not trained on .*; give the text"):
        find_files([tmp_path / "text.ids"])


def test_size_of_chunks_follows_the_corpus():
    assert cut_size(1000) == 1 << 20
    assert cut_size(1 << 30) == 1 << 24
    assert cut_size(1 << 36) == 64 << 20
    assert cut_size(1 << 43) == 256 << 20


def test_files_of_fsspec_are_read_like_local_ones(tmp_path, text):
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed: pip install 'w2v[cluster]'")
    system = fsspec.filesystem("memory")
    system.pipe("/corpus/one.txt", text.read_bytes())
    whole = read_corpus([text], CorpusConfig())
    found = find_files(["memory://corpus/*.txt"])
    assert [source.path for source in found] == ["memory:///corpus/one.txt"]
    chunks = [align(chunk, i == 0) for i, chunk in enumerate(cut(found, 50_000))]
    parts = [read_corpus(c.source, CorpusConfig(), vocab=whole.vocab, part=True) for c in chunks]
    assert len(parts) > 3
    np.testing.assert_array_equal(np.concatenate([part.ids for part in parts]), whole.ids)


def test_standard_input_and_pipes_are_refused(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CorpusError, match="standard input"):
        find_files(["-"])
    with pytest.raises(CorpusError, match="is not a file"):
        find_files([tmp_path / "pipe"])


def test_a_chunk_is_named_by_file_and_bytes(tmp_path, text):
    chunk = aligned(text, 1 << 20)[0]
    assert chunk.name == f"{text}[0:{text.stat().st_size}]"
    assert Chunk(0, find_files([text])[0]).name == str(text)


def test_a_remote_file_that_fails_on_the_way_is_an_error_not_a_shorter_text(monkeypatch):
    class Failing(io.BytesIO):
        def read(self, size=-1):
            if self.tell():
                raise TimeoutError(110, "Connection timed out", "s3://bucket/a.txt")
            return super().read(20)

    monkeypatch.setattr(files, "open_remote", lambda address: Failing(b"a b c\n" * 100))
    with pytest.raises(OSError, match="Connection timed out"):
        read_corpus(RemoteSource("s3://bucket/a.txt", "stream", 600), CorpusConfig(min_count=1))


def test_compressed_remote_files_are_cut_at_members_too(text):
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed: pip install 'w2v[cluster]'")
    lines = text.read_bytes().splitlines(keepends=True)
    data = b"".join(gzip.compress(b"".join(lines[i : i + 250])) for i in range(0, len(lines), 250))
    with fsspec.filesystem("memory").open("/packed/a.gz", "wb") as out:
        out.write(data)
    found = cut(find_files(["memory://packed/a.gz"]), len(data) // 2)
    assert len(found) > 3
    parts = [align(chunk, i == 0) for i, chunk in enumerate(found)]
    whole = read_corpus([text], CorpusConfig())
    read = [read_corpus(part.source, CorpusConfig(), vocab=whole.vocab, part=True).ids for part in parts]
    np.testing.assert_array_equal(np.concatenate(read), whole.ids)


def test_a_thread_that_the_system_refuses_is_an_error_that_leaves_no_pipe(tmp_path, monkeypatch):
    path = tmp_path / "text.txt"
    path.write_text("a b\n")
    source = RemoteSource(str(path), STREAM, 4)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    before = os.listdir("/proc/self/fd")
    with pytest.raises(ThreadError, match=r"text\.txt: the system refused to start a thread"):
        source.open()
    assert os.listdir("/proc/self/fd") == before


def refuse(thread):
    raise RuntimeError("can't start new thread")
