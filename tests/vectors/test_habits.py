"""Vector files as other programs and people write them: other separators, headers, headings; spaces in words; counts
that are off by one; what is no vector file but often given for one."""

from __future__ import annotations

import gzip
import io
import os
import threading
from base64 import b64encode

import numpy as np
import pytest

from w2v.errors import VectorsError
from w2v.vectors.files.check import check_vectors, describe
from w2v.vectors.files.repair import repair
from w2v.vectors.formats.load import looks_like_vectors
from w2v.vectors.formats.table import layout_of
from w2v.vectors.query import VectorFile
from w2v.vectors.vectors import Vectors, load

DIM = 6
WORDS = ["w0", "the", "of", "1", "naïve", "new york", "c,d", "x;y", 'say "so"', "w9", "w10", "w11"]
MATRIX = np.random.default_rng(4).uniform(-1, 1, (len(WORDS), DIM)).round(5).astype(np.float32)


def table(words, row, heading: str = "") -> bytes:
    lines = [
        row(number, word, [f"{x:.5f}" for x in values])
        for number, (word, values) in enumerate(zip(words, MATRIX[: len(words)], strict=True))
    ]
    return "".join(f"{line}\n" for line in [*([heading] if heading else []), *lines]).encode()


def quoted(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'


PLAIN = [word for word in WORDS if " " not in word]  # where a space would end the word
NAMES = ",".join(f"d{i}" for i in range(DIM))
COUNTS = ",".join(map(str, range(DIM)))
V = len(WORDS)
# How a row is written, and the line before all rows.
LAYOUTS = {
    "a tab behind the word": (WORDS, lambda _, w, v: f"{w}\t{' '.join(v)}", ""),
    "a tab behind the word, with a header": (WORDS, lambda _, w, v: f"{w}\t{' '.join(v)}", f"{V} {DIM}"),
    "tabs": (WORDS, lambda _, w, v: "\t".join([w, *v]), ""),
    "tabs, with a header": (WORDS, lambda _, w, v: "\t".join([w, *v]), f"{V} {DIM}"),
    "tabs, with a header of tabs": (WORDS, lambda _, w, v: "\t".join([w, *v]), f"{V}\t{DIM}"),
    "tabs, with names": (WORDS, lambda _, w, v: "\t".join([w, *v]), "word\t" + NAMES.replace(",", "\t")),
    "tabs at the ends of lines": (WORDS, lambda _, w, v: "\t".join([w, *v, ""]), ""),
    "commas behind a tab": (WORDS, lambda _, w, v: f"{w}\t{','.join(v)}", ""),
    "commas behind a space": (PLAIN, lambda _, w, v: f"{w} {','.join(v)}", ""),
    "commas": ([w for w in WORDS if "," not in w and '"' not in w], lambda _, w, v: ",".join([w, *v]), ""),
    "commas and spaces": ([w for w in WORDS if "," not in w and '"' not in w], lambda _, w, v: ", ".join([w, *v]), ""),
    "quotes": (WORDS, lambda _, w, v: ",".join([quoted(w), *v]), ""),
    "quotes and names": (WORDS, lambda _, w, v: ",".join([quoted(w), *v]), '"",' + NAMES),
    "quotes and counted columns": (WORDS, lambda _, w, v: ",".join([quoted(w), *v]), "," + COUNTS),
    "counted columns below a name": (WORDS, lambda _, w, v: ",".join([quoted(w), *v]), "word," + COUNTS),
    "numbered rows": (WORDS, lambda n, w, v: ",".join([str(n), quoted(w), *v]), ",word," + NAMES),
    "numbered rows without names": (WORDS, lambda n, w, v: ",".join([str(n + 1), quoted(w), *v]), ""),
    "words last": (WORDS, lambda _, w, v: ",".join([*v, quoted(w)]), NAMES + ",word"),
    "semicolons": ([w for w in WORDS if ";" not in w and '"' not in w], lambda _, w, v: ";".join([w, *v]), ""),
    "semicolons and decimal commas": (
        [w for w in WORDS if ";" not in w and '"' not in w],
        lambda _, w, v: ";".join([w, *(x.replace(".", ",") for x in v)]),
        "",
    ),
    "semicolons, decimal commas, exponents and whole numbers": (
        [w for w in WORDS if ";" not in w and '"' not in w],
        lambda _, w, v: ";".join([w, *(f"{float(x):.7E}".replace(".", ",") for x in v[:-1]), v[-1].replace(".", ",")]),
        "",
    ),
    "spaces and decimal commas": (PLAIN, lambda _, w, v: " ".join([w, *(x.replace(".", ",") for x in v)]), ""),
    "spaces and decimal commas, with a header": (
        PLAIN,
        lambda _, w, v: " ".join([w, *(x.replace(".", ",") for x in v)]),
        f"{len(PLAIN)} {DIM}",
    ),
    "two spaces": (PLAIN, lambda _, w, v: "  ".join([w, *v]), f"{len(PLAIN)} {DIM}"),
    "two spaces without a header": (PLAIN, lambda _, w, v: "  ".join([w, *v]), ""),
    "bars": (WORDS, lambda _, w, v: "|".join([w, *v]), ""),
    "R's write.table": (WORDS, lambda _, w, v: " ".join([quoted(w), *v]), " ".join(f'"V{i}"' for i in range(DIM))),
    "quotes and spaces": (WORDS, lambda _, w, v: " ".join([quoted(w), *v]), ""),
    "a third number": (PLAIN, lambda _, w, v: " ".join([w, *v]), f"{len(PLAIN)} {DIM} 7200"),
    "base64": (WORDS, lambda _, w, v: " ".join(["B64:" + b64encode(w.encode()).decode(), *v]), f"{V} {DIM} 7200"),
    "base64 without a header": (WORDS, lambda _, w, v: " ".join(["B64:" + b64encode(w.encode()).decode(), *v]), ""),
    "a comment": (PLAIN, lambda _, w, v: " ".join([w, *v]), f"# {len(PLAIN)} {DIM}"),
    "a size alone": (PLAIN, lambda _, w, v: " ".join([w, *v]), str(len(PLAIN))),
    "sizes by name": (PLAIN, lambda _, w, v: " ".join([w, *v]), f"size={len(PLAIN)} dim={DIM}"),
}
CHANGES = {
    "": bytes,
    "crlf": lambda data: data.replace(b"\n", b"\r\n"),
    "no last newline": lambda data: data[:-1],
    "blank lines at the end": lambda data: data + b"\n\n",
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("way", ["plain", "gzip", "stream"])
def test_tables_that_leave_no_doubt_are_read(tmp_path, layout, change, way):
    words, row, heading = LAYOUTS[layout]
    data = CHANGES[change](table(words, row, heading))
    path = tmp_path / "v"
    path.write_bytes(gzip.compress(data) if way == "gzip" else data)
    found = load(io.BytesIO(data) if way == "stream" else path)
    assert list(found.words) == words
    assert np.array_equal(found.matrix, MATRIX[: len(words)])
    if way == "plain":
        assert looks_like_vectors(data)
        assert {fault.what for fault in check_vectors(path).faults} <= {"white space"}
        with VectorFile(path) as file:
            assert file.similar(["the"], 3) == [found.query("the", 3)]
    repaired, repairs = repair(io.BytesIO(data) if way == "stream" else path)
    assert list(repaired.words) == [word.replace(" ", "_") for word in words]
    assert set(repairs) <= {"renamed", "spaces in text"}
    assert list(load(path, limit=2).words) == words[:2]


def test_a_bad_row_of_a_table_is_named_and_left_out(tmp_path):
    lines = table(WORDS, lambda _, w, v: "\t".join([w, *v]), f"{V} {DIM}").split(b"\n")
    rows = {3: b"of\t1\t2", 5: b"\t".join([b"na", *[b"1"] * (DIM + 1)]), 6: b"bad\t" + b"\t".join([b"nan"] * DIM)}
    for number, line in rows.items():
        lines[number] = line
        (tmp_path / "v").write_bytes(b"\n".join(lines))
        byte = sum(map(len, lines[:3])) + 3
        with pytest.raises(VectorsError, match=rf"row 3 \(line 4, byte {byte}\): only 2 numbers.*--fix"):
            load(tmp_path / "v")
    assert {f.what: f.value for f in check_vectors(tmp_path / "v").faults} == {
        "wrong length": 2,
        "not finite": 1,
        "white space": 1,
    }
    repaired, _ = repair(tmp_path / "v")
    assert list(repaired.words) == [w.replace(" ", "_") for w in WORDS if w not in ("of", "naïve", "new york")]


@pytest.mark.parametrize(("separator", "name"), [("\t", "v.tsv"), (",", "v.csv"), (";", "v.txt")])
@pytest.mark.parametrize("bad", ["#N/A", "-.inf", "1e", "-"])
def test_numbers_without_words_are_never_words_where_one_of_them_is_bad(tmp_path, separator, name, bad):
    for place in (0, 7):
        rows = [[f"{x:.5f}" for x in row] for row in MATRIX]
        rows[place][0] = bad
        (tmp_path / name).write_text("".join(separator.join(row) + "\n" for row in rows))
        (tmp_path / "v.metadata.tsv").write_text("".join(f"w{i}\n" for i in range(len(rows))))
        with pytest.raises(VectorsError):
            load(tmp_path / name)
        (tmp_path / name).write_text("".join(separator.join([*row, f"w{i}"]) + "\n" for i, row in enumerate(rows)))
        with pytest.raises(VectorsError, match=f"row {place + 1} .*number 1 cannot be read"):
            load(tmp_path / name)


def test_nine_in_ten_of_the_first_twenty_lines_must_be_rows(tmp_path):
    def file(*bad: int) -> bytes:
        return b"".join(b"w%d\t1.5\t2\n" % row if row not in bad else b"w%d\t1\n" % row for row in range(30))

    assert layout_of(file(5, 9)).dim == 2
    assert layout_of(file(5, 9, *range(20, 30))).dim == 2
    assert layout_of(file(5, 9, 19)) is None


def test_a_header_that_the_rows_confirm_is_not_overridden(tmp_path):
    """A tab within a word: fields between spaces are as many as the header says."""
    rows = b"".join(b"a%d\t0.5 %d.5 1.25 2\n" % (i, i) for i in range(9))
    (tmp_path / "v").write_bytes(b"9 3\n" + rows)
    assert list(load(tmp_path / "v").words) == [f"a{i}\t0.5" for i in range(9)]
    (tmp_path / "v").write_bytes(b"9 4\n" + rows)
    assert list(load(tmp_path / "v").words) == [f"a{i}" for i in range(9)]
    assert load(tmp_path / "v").dim == 4
    assert repair(tmp_path / "v")[1] == {}


def test_what_separates_the_fields_is_named_where_it_is_not_enough(tmp_path):
    (tmp_path / "v").write_bytes(b"a,1,x\nb,2,y\nc,3,z\n")
    with pytest.raises(VectorsError, match=r"fields between commas.*text table.* can be read"):
        load(tmp_path / "v")
    good = b"".join(b"w%d 0.5 1 2\n" % i for i in range(30))
    (tmp_path / "v").write_bytes(b"31 3\n" + good + b"bad;0.5;1;2\n")
    with pytest.raises(VectorsError, match=r"row 31 .*only 0 numbers.* with spaces and not semicolons between them"):
        load(tmp_path / "v")


SPACED = ["w0", "0,0 km2", "iPhone 4", "route 66 a", "Windows 95 98", "w5", "w6", "w7"]


@pytest.mark.parametrize("way", ["plain", "stream"])
def test_a_word_with_a_space_is_named_and_kept_by_the_repair(tmp_path, way):
    text = [f"{word} {' '.join(f'{x:.5f}' for x in values)}\n" for word, values in zip(SPACED, MATRIX, strict=False)]
    data = (f"{len(SPACED)} {DIM}\n" + "".join(text)).encode()
    for first in range(1, 5):  # whichever comes first
        lines = [text[0], text[first], *text[5:]]
        (tmp_path / "v").write_text(f"{len(lines)} {DIM}\n" + "".join(lines))
        path = tmp_path / "v"
        with pytest.raises(VectorsError, match=rf'row 2 \(line 3, .*the word "{SPACED[first]}" holds a space.*--fix'):
            load(path if way == "plain" else io.BytesIO(path.read_bytes()))
    repaired, repairs = repair(io.BytesIO(data))
    assert list(repaired.words) == [word.replace(" ", "_") for word in SPACED]
    assert np.array_equal(repaired.matrix, MATRIX[: len(SPACED)])
    assert {kind: tally.count for kind, tally in repairs.items()} == {"spaces in text": 4, "renamed": 4}
    assert repairs["spaces in text"].places[0] == 'row 2 "0,0 km2"'
    # Without a header they are read, as the words of GloVe's files.
    assert list(load(io.BytesIO("".join(text).encode())).words) == SPACED


@pytest.mark.parametrize("extra", [("0.5", "behind"), ("0.5", "before"), ("7", "behind")])
def test_a_number_too_many_is_no_part_of_the_word(extra):
    number, place = extra
    lines = [f"w{i} 0.5 1.25 -2.5" for i in range(9)]
    lines[4] = f"{lines[4]} {number}" if place == "behind" else lines[4].replace("w4", f"w4 {number}")
    data = "9 3\n" + "\n".join(lines) + "\n"
    with pytest.raises(VectorsError, match=r"row 5 .*more numbers than the rows"):
        load(io.BytesIO(data.encode()))
    repaired, repairs = repair(io.BytesIO(data.encode()))
    assert list(repaired.words) == [f"w{i}" for i in range(9) if i != 4]
    assert list(repairs) == ["wrong length"]


@pytest.mark.parametrize("kind", ["text", "crlf", "bin", "table"])
@pytest.mark.parametrize("way", ["plain", "gzip", "stream"])
@pytest.mark.parametrize("missing", [1, 7, 2**40, 2**63, 10**18])
def test_a_header_that_promises_more_rows_than_there_are(tmp_path, kind, way, missing):
    vectors = Vectors([f"w{i}" for i in range(30)], np.random.default_rng(1).standard_normal((30, DIM), np.float32))
    out = io.BytesIO()
    vectors.save(out, "bin" if kind == "bin" else "text")
    _, _, body = out.getvalue().partition(b"\n")
    data = b"%d %d%s\n" % (30 + missing, DIM, b" 5" if kind == "table" else b"") + body
    if kind == "crlf":
        data = data.replace(b"\n", b" \r\n")
    path = tmp_path / "v"
    path.write_bytes(gzip.compress(data) if way == "gzip" else data)

    def file():
        return io.BytesIO(data) if way == "stream" else path

    with pytest.raises(VectorsError, match=r"(promises|claims) .*rows.*w2v convert --fix"):
        load(file())
    assert np.array_equal(load(file(), lenient=True).matrix, vectors.matrix)
    assert {fault.what for fault in check_vectors(file()).faults} == {"cut short"}
    assert describe(file()).words == 30
    repaired, repairs = repair(file())
    assert (np.array_equal(repaired.matrix, vectors.matrix), list(repairs)) == (True, ["cut short"])


def test_a_text_that_may_be_cut_within_its_last_number_is_not_taken_for_whole(tmp_path):
    (tmp_path / "v").write_bytes(b"4 2\na 0.5 1\nb 1 2\nc 0.25 1.2")
    for source in (tmp_path / "v", io.BytesIO((tmp_path / "v").read_bytes())):
        with pytest.raises(VectorsError, match="promises 4 rows"):
            load(source, lenient=True)


@pytest.mark.parametrize("value", ["nan", "-nan", "NaN", "inf", "-Infinity"])
@pytest.mark.parametrize("header", ["", "6 9\n"])
def test_a_file_of_nothing_but_nan_is_vectors_with_a_fault(value, header):
    data = (header + "".join(f"w{i}" + f" {value}" * 9 + "\n" for i in range(6))).encode()
    assert looks_like_vectors(data)
    assert {fault.what for fault in check_vectors(io.BytesIO(data)).faults} == {"not finite", "no rows"}
    with pytest.raises(VectorsError, match=r"row 1 .*NaN or infinite.*--fix"):
        load(io.BytesIO(data))


@pytest.mark.parametrize("text", ["-.inf .nan 4", "+.Infinity 1 2", "1 .nan 2"])
def test_a_point_before_a_word_is_no_number(text):
    with pytest.raises(VectorsError, match=r"row 2 \(line 3, byte 14\): number [12] cannot be read"):
        load(io.BytesIO(f"3 3\na 0.5 1 2\nb {text}\nc 1 2 3\n".encode()))


def test_a_line_break_in_a_word_costs_its_row(tmp_path):
    lines = [f"w{i} 0.5 {i}.5" for i in range(9)]
    lines[4] = "\n 0.25 1"
    data = ("9 2\n" + "\n".join(lines) + "\n").encode()
    with pytest.raises(VectorsError, match=r"row 5 \(line 6, .*a word is empty; w2v convert --fix"):
        load(io.BytesIO(data))
    assert list(repair(io.BytesIO(data))[0].words) == [f"w{i}" for i in range(9) if i != 4]


NUMBERS = {">f4": "big-endian float32", "<f8": "float64", ">f8": "big-endian float64", "<f2": "float16"}


def rows_of(kind: str) -> bytes:
    """A binary file with numbers of another kind than float32."""
    matrix = np.random.default_rng(2).standard_normal((9, 12))
    return b"9 12\n" + b"".join(b"w%d " % i + row.tobytes() for i, row in enumerate(matrix.astype(kind)))


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 16\n", "a pointer of Git LFS.*git lfs pull"),
        (b"3 500\nw0 437:0.61536 160:0.17281\nw1 19:0.95 \nw2 325:0.7 3:1e-5\n", "a sparse file.*dense"),
        (b"king 4:0.5 7:1\nqueen 1:0.25\n", "a sparse file.*dense"),
        (b"PK\x03\x04" + bytes(26) + b"archive/data.pkl", "a PyTorch file.*torch.load"),
        (b"PK\x03\x04" + bytes(26) + b"model/data.pkl", "a PyTorch file"),
        (b"PK\x03\x04" + bytes(26) + b"arr_0.npy", r"a NumPy archive \(\.npz\).*numpy.save"),
        (b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml", "a document"),
        (b"PK\x03\x04" + bytes(26) + b"vectors.txt", "a zip archive.*unpack"),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "a PyTorch file"),
        (b"ARROW1\0\0" + bytes(100), "an Arrow file"),
        ("2 2\nking 0.5 1\nman 1 2\n".encode("utf-16"), "UTF-16 text.*iconv -f UTF-16 -t"),
        ("2 2\nking 0.5 1\nman 1 2\n".encode("utf-16-be"), "UTF-16BE text.*iconv -f UTF-16BE"),
        ("2 2\nking 0.5 1\nman 1 2\n".encode("utf-32"), "UTF-32 text.*iconv -f UTF-32"),
        (b"2 2\rking 0.5 1\rman 1 2\r", "carriage returns alone"),
        (b"king 0.5 1\rman 1 2\r", "carriage returns alone"),
        (b'{"king": [0.5, 1], "man": [1, 2]}', "is JSON.*w2v.Vectors"),
        (b"king [0.5, 1.0]\nman [1.0, 2.0]\n", "numbers in brackets"),
        (b"the 36802\nof 19484\nand 1\n", "a vocabulary"),
        (b"0.5 -1.25 2\n-0.25 1.5e-3 4\n", "numbers without words"),  # numpy.savetxt
        *((rows_of(kind), rf"row 1 \(byte 5\): its numbers are {what}") for kind, what in NUMBERS.items()),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_what_is_often_given_for_vectors_is_named(tmp_path, data, what, packed):
    (tmp_path / "v").write_bytes(gzip.compress(data) if packed else data)
    with pytest.raises(VectorsError, match=what):
        load(tmp_path / "v")
    (fault,) = check_vectors(tmp_path / "v").faults
    assert fault.what == "unreadable"


def projector_or_npy(folder, name: str, rows: int) -> None:
    matrix = np.arange(2 * rows, dtype=np.float32).reshape(rows, 2) + 1
    if name.endswith(".npy"):
        np.save(folder / name, matrix)
    else:
        (folder / name).write_text("".join(f"{a:g}\t{b:g}\n" for a, b in matrix))


@pytest.mark.parametrize("name", ["v.npy", "v.tsv"])
@pytest.mark.parametrize("label", ["word", "Label", "name", "token", "words\tcount", "count\tlabel"])
def test_a_heading_of_the_words_is_no_word(tmp_path, name, label):
    projector_or_npy(tmp_path, name, 3)
    swapped = label.startswith("count")
    rows = [f"{i}\t{w}" if swapped else f"{w}\t{i}" for i, w in enumerate(("king", "queen", "man"))]
    for heading in (label, None):
        if swapped and heading is None:
            continue
        text = "".join(f"{line}\n" for line in [*([heading] if heading else []), *rows])
        (tmp_path / "words").write_text(text + "\n \n" * (label == "words\tcount"))  # blank lines at the end are none
        for limit in (None, 2, 3, 9):
            found = load(tmp_path / name, words=tmp_path / "words", limit=limit)
            assert list(found.words) == ["king", "queen", "man"][:limit]
            assert found["queen"].tolist() == [3, 4]
        assert list(repair(tmp_path / name, words=tmp_path / "words")[0].words) == ["king", "queen", "man"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
@pytest.mark.parametrize("name", ["v.npy", "v.tsv"])
@pytest.mark.parametrize("heading", ["", "word\n", "word\tcount\n"])
@pytest.mark.parametrize("read", [load, lambda *given, **words: repair(*given, **words)[0]])
def test_words_are_read_from_a_pipe_once(tmp_path, name, heading, read):
    projector_or_npy(tmp_path, name, 3)
    os.mkfifo(tmp_path / "words")
    text = heading + "".join(f"{word}\t7\n" for word in ("king", "queen", "man"))
    threading.Thread(target=(tmp_path / "words").write_text, args=[text], daemon=True).start()
    found = read(tmp_path / name, words=tmp_path / "words")
    assert list(found.words) == ["king", "queen", "man"]
    assert found["queen"].tolist() == [3, 4]


@pytest.mark.parametrize("name", ["v.npy", "v.tsv"])
def test_more_words_than_rows_are_an_error_unless_a_limit_is_asked_for(tmp_path, name):
    projector_or_npy(tmp_path, name, 3)
    for words in ("a\nb\nc\nd\n", "word\na\nb\nc\nd\n", "a\nb\nc\nword\n"):
        (tmp_path / "words").write_text(words)
        with pytest.raises(VectorsError, match="line 4: more words than the 3 rows"):
            load(tmp_path / name, words=tmp_path / "words")
        assert {f.what for f in check_vectors(tmp_path / name, words=tmp_path / "words").faults} == {"words too many"}
        with pytest.raises(VectorsError, match=r"line 4.*: more words than the 3 rows of numbers, so it is unclear"):
            repair(tmp_path / name, words=tmp_path / "words")
    assert list(load(tmp_path / name, words=tmp_path / "words", limit=2).words) == ["a", "b"]
    (tmp_path / "words").write_text("word\nlabel\nname\n")  # three words like any others
    assert list(load(tmp_path / name, words=tmp_path / "words").words) == ["word", "label", "name"]


def test_a_heading_is_none_of_the_words_where_one_is_missing(tmp_path):
    projector_or_npy(tmp_path, "v.tsv", 3)
    (tmp_path / "words").write_text("word\tcount\nking\t3\nqueen\t2\n")
    with pytest.raises(VectorsError, match="line 4: the file ends, but 3 rows"):
        load(tmp_path / "v.tsv", words=tmp_path / "words")


def test_a_header_counts_the_numbers_where_most_words_hold_spaces():
    words = [f"ENTITY/New York {i}" if i % 3 else f"w{i}" for i in range(9)]
    rows = np.random.default_rng(5).uniform(-1, 1, (9, 4)).round(5).astype(np.float32)
    text = "".join(f"{word} {' '.join(f'{x:.5f}' for x in row)}\n" for word, row in zip(words, rows, strict=True))
    repaired, _ = repair(io.BytesIO(f"9 4\n{text}".encode()))
    assert list(repaired.words) == [word.replace(" ", "_") for word in words]
    assert np.array_equal(repaired.matrix, rows)


@pytest.mark.parametrize("separator", [" ", "\t", ","])
@pytest.mark.parametrize("comment", ["", "# made in 2013\n"])
def test_first_words_that_begin_with_a_hash_are_no_comments(tmp_path, separator, comment):
    words = ["#", "#1", "the", "king", "man"]
    lines = [separator.join([word, *(f"{x:.5f}" for x in row)]) for word, row in zip(words, MATRIX, strict=False)]
    (tmp_path / "v").write_text(comment + "\n".join(lines) + "\n")
    found = load(tmp_path / "v")
    assert list(found.words) == words
    assert np.allclose(found.matrix, MATRIX[:5], atol=1e-5)


@pytest.mark.parametrize(("points", "vectors"), [(5, True), (4, False), (3, False)])
def test_a_table_of_numbers_is_one_of_vectors_if_most_have_points(points, vectors):
    numbers = [f"{i}.5" for i in range(points)] + [str(i) for i in range(9 - points)]
    lines = "".join(f"w{row}\t" + "\t".join(numbers) + "\n" for row in range(9))
    assert looks_like_vectors(lines.encode()) == vectors
