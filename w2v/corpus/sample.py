"""What a text looks like, by its beginning and its words, where training on it is hardly what was meant.

A few commas make no table: its columns are the same from line to line. What is JSON is JSON in every line.
"""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from w2v.errors import setting

if TYPE_CHECKING:
    from w2v.corpus.config import CorpusConfig
    from w2v.corpus.vocab import TokenCounts, Vocab

__all__ = ["EVENTS", "SAMPLE_BYTES", "carriage_returns", "json_fields", "lone_tokens", "oddity", "strange_words"]

# What to do with a table whose rows are events.
EVENTS = f"if its rows are events, train with {setting('session', 'COLUMN')} {setting('item', 'COLUMN')}"
SAMPLE_BYTES = 1 << 16
FEWEST_LINES = 3
MOST_LINES = 1000
NEARLY_ALL = 0.95  # of the lines
LONG_TOKEN = 8  # characters; words of scripts that are written without spaces are shorter
MANY = 0.1  # of the tokens
STEP_WORDS = 1 << 16  # looked at together
PUNCTUATION = tuple(mark.encode() for mark in ".,;:!?)]\"'\u2019\u201d\u00bb\u2026\u3002\uff0c\u3001\uff01\uff1f")
JSON_OBJECT = re.compile(r'\s*\[?\s*\{\s*"(?:[^"\\]|\\.)*"\s*:')
OPENING = re.compile(r"\s*[\[{]+\s*$")
MARKUP = re.compile(rb"\s*<(?:\?xml|!doctype|html|mediawiki|tei)\b", re.IGNORECASE)
TIMES = re.compile(rb"^(?:[0-9]+:)?[0-9]{2}:[0-9]{2}[.,][0-9]{1,3} --> ", re.MULTILINE)
MAIL = re.compile(
    rb"^(?:From \S+ .*[0-9]{4}$|(?:Content-Type|Date|Delivered-To|From|Message-ID|MIME-Version|Received|Return-Path|"
    rb"Subject|To): )",
    re.MULTILINE | re.IGNORECASE,
)
FEWEST_FIELDS = 5  # of mail
GLUED = re.compile(r"[^\W\d][,;][^\W\d]")  # no space after a comma
NUMBER = re.compile(r"[-+]?[0-9]+(?:[.:/-][0-9]+)*(?:[eE][-+]?[0-9]+)?")
SEPARATORS = {
    ",": "commas",
    ";": "semicolons",
    "|": "vertical bars",
    "/": "slashes",
    "_": "underscores",
    "+": "pluses",
    ":": "colons",
    "-": "hyphens",
    ">": "arrows",
    "&": "ampersands",
    "=": "equals signs",
}
# Scripts whose words are not separated by spaces, by the first word of their letters' names in Unicode.
UNSPACED = {
    "CJK": "Chinese or Japanese",
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "THAI": "Thai",
    "LAO": "Lao",
    "KHMER": "Khmer",
    "MYANMAR": "Burmese",
    "TIBETAN": "Tibetan",
}


def lines_of(sample: bytes, whole: bool) -> list[str]:
    """Lines that are not blank; the last one, which may be cut, only where there is no other or the text is `whole`."""
    lines = sample.decode("utf-8", "replace").removeprefix("\ufeff").replace("\0", " ").split("\n")
    if not whole and len(lines) > 1:
        lines.pop()
    return [line.rstrip("\r") for line in lines if line.strip()][:MOST_LINES]


def json_fields(head: bytes, whole: bool) -> list[str] | None:
    """None unless the beginning of a text is JSON; the names in its first object, that of the longest text first."""
    lines = lines_of(head, whole)
    if not lines or lines[0].lstrip()[:1] not in ("{", "["):
        return None
    values = []
    for line in lines:
        try:
            values.append(json.loads(line))
        except (ValueError, RecursionError):
            values.append(None)
    if all(isinstance(value, (dict, list)) for value in values):
        first = values[0][0] if isinstance(values[0], list) and values[0] else values[0]
        return sorted(first, key=lambda name: -len(str(first[name]))) if isinstance(first, dict) else []
    if len(lines) == 1 and JSON_OBJECT.match(lines[0]):  # longer than what was read
        return []
    return [] if OPENING.match(lines[0]) and JSON_OBJECT.match("".join(lines[:3])) else None


def tokens_of(line: str, config: CorpusConfig) -> list[str]:
    """The line's tokens, about as a reading makes them."""
    if config.tokenizer != "none":
        return re.findall(r"\w+", line)
    return line.split() if config.whitespace == "unicode" else re.findall("[^ \t\n\r\x0b\x0c]+", line)


def lone_tokens(sample: bytes, whole: bool, config: CorpusConfig) -> str:
    """What is seen in a text of which nearly every line is a single token; empty for any other."""
    lines = lines_of(sample, whole)
    share = sum(len(tokens_of(line, config)) == 1 for line in lines) / max(1, len(lines))
    if len(lines) < FEWEST_LINES or share < NEARLY_ALL:
        return ""
    script = _unspaced(lines, config)
    inside = Counter(character for line in lines for character in set(line.strip()) & SEPARATORS.keys())
    if script:
        hint = f"it looks like {script}, written without spaces: split it into words first"
    elif inside and inside.most_common(1)[0][1] >= NEARLY_ALL * len(lines):
        columns = _columns(lines, config)
        if columns:
            return f"this looks like {columns}, and each line is read as one token; {EVENTS}"
        found = inside.most_common(1)[0][0]
        hint = f"there are {SEPARATORS[found]} in them: tr '{found}' ' ' < FILE > NEW"
    else:
        hint = "write a sentence, or another sequence of tokens, in each line"
    return f"nearly every line is one token; separate tokens by spaces ({hint})"


def carriage_returns(sample: bytes) -> str:
    """What should be said of a text whose lines end in them alone; empty for others. `check` counts them by itself."""
    if b"\n" not in sample and sample.count(b"\r") >= FEWEST_LINES:
        return "its lines end in carriage returns alone and are read as one; write line feeds: tr '\\r' '\\n'"
    return ""


def oddity(sample: bytes, whole: bool, config: CorpusConfig) -> str:
    """What should be said of a text that begins so, without its name; empty for an ordinary one."""
    if MARKUP.match(sample):
        return "this looks like XML or HTML, and its markup is read as words; extract the text first"
    if len(TIMES.findall(sample)) >= FEWEST_LINES:
        lines_alone = "grep -vE '^[0-9]+[[:space:]]*$|-->' FILE > NEW"
        return f"this looks like subtitles, and their numbers and times are read as words; take the text: {lines_alone}"
    if (
        MAIL.match(sample.lstrip())
        and len({field.split()[0].lower() for field in MAIL.findall(sample)}) >= FEWEST_FIELDS
    ):
        return (
            "this looks like mail, and its headers are read as words; extract the text first (Python's mailbox module)"
        )
    lone = lone_tokens(sample, whole, config)
    if lone:
        return lone
    lines = lines_of(sample, whole)
    if len(lines) < FEWEST_LINES:
        return ""
    script = _unspaced(lines, config)
    if script:
        return f"this looks like {script}, written without spaces; split it into words first"
    columns = _columns(lines, config)
    if columns:
        return f"this looks like {columns}, all of it read as text; write the column of the text as lines, or {EVENTS}"
    if sum(map(bool, map(GLUED.search, lines))) >= NEARLY_ALL * len(lines):
        between = max(",;", key="".join(lines).count)
        return (
            f"nearly every line has {SEPARATORS[between]} without a space after them, and what they separate is read"
            f" as one token; if they separate tokens: tr ' {between}' '_ ' < FILE > NEW"
        )
    return ""


def _unspaced(lines: list[str], config: CorpusConfig) -> str:
    """The script of a text whose tokens are longer than its words can be; empty for any other."""
    text = "".join(lines)[: 1 << 12]
    letters = [character for character in text if character.isalpha()]
    scripts = Counter(unicodedata.name(character, "?").split()[0].split("-")[0] for character in letters)
    found = [(count, script) for script, count in scripts.items() if script in UNSPACED]
    if 2 * sum(count for count, _ in found) <= len(letters):
        return ""
    tokens = [token for line in lines for token in tokens_of(line, config)]
    long = sum(len(token) for token in tokens if len(token) >= LONG_TOKEN)
    return UNSPACED[max(found)[1]] if 2 * long > sum(map(len, tokens)) else ""


def _columns(lines: list[str], config: CorpusConfig) -> str:
    """What table the lines are; empty where they are none: as many columns everywhere, of different kinds."""
    kinds = {"\t": "tab-separated values", ",": "comma-separated values", ";": "values separated by semicolons"}
    for separator, what in kinds.items():
        rows = _rows(lines, separator)
        width = Counter(map(len, rows)).most_common(1)[0] if len(rows) >= FEWEST_LINES else (0, 0)
        if width[0] < 2 or width[1] < NEARLY_ALL * len(rows):
            continue
        columns = list(zip(*(row for row in rows[1:] if len(row) == width[0]), strict=True))
        numbers = [  # under a name
            sum(map(bool, map(NUMBER.fullmatch, column))) > len(column) / 2 and not NUMBER.fullmatch(name)
            for name, column in zip(rows[0], columns, strict=False)
        ]
        prose = [sum(len(tokens_of(cell, config)) > 1 for cell in column) > len(column) / 2 for column in columns]
        # Without names: some columns are numbers everywhere, others nowhere.
        shares = [sum(map(bool, map(NUMBER.fullmatch, column))) / max(1, len(column)) for column in columns]
        mixed = separator == "\t" and width[0] > 2 and min(shares) == 0 and max(shares) >= NEARLY_ALL
        quoted = sum(line.lstrip()[:1] == '"' or f'{separator}"' in line for line in lines) > len(lines) / 2
        if quoted or mixed or any(numbers) or (separator == "\t" and any(prose) != all(prose)):
            names = ", ".join(cell.strip()[:20] for cell in rows[0][:5])
            return f"{what} ({width[0]} columns: {names}{', ...' if width[0] > 5 else ''})"
    return ""


def _rows(lines: list[str], separator: str) -> list[list[str]]:
    """Rows of a table, in whose quotation marks there may be ends of lines; empty where the lines are none."""
    rows: list[list[str]] = []
    try:
        rows += csv.reader(lines, delimiter=separator, strict=True)
    except csv.Error as error:
        if "unexpected end" not in str(error):  # the sample may end within quotation marks
            return []
    return rows


def strange_words(vocab: Vocab, token_counts: TokenCounts, config: CorpusConfig) -> list[str]:
    """What should be said of a text with these words, which may be in any order."""
    found = []
    share = token_counts.not_utf8 / max(1, token_counts.kept)
    if share > MANY:
        found.append(f"{share:.0%} of the tokens are not UTF-8; to convert the text: {_conversion(vocab)}")
    share = _dotless(vocab) if config.lower else 0.0
    if share > MANY:
        found.append(
            f"{share:.0%} of the tokens hold a dotless \u0131, as in Turkish, where {setting('lower')} makes i of I;"
            " lower-case that before: sed 'y/I\u0130/\u0131i/' FILE > NEW"
        )
    if config.tokenizer == "none":
        ends = [row for row in _rows_ending_like(vocab, PUNCTUATION) if _has_letters(vocab.words[row])]
        share = int(vocab.counts[ends].sum()) / max(1, vocab.total)
        if share > MANY:
            counts = vocab.counts[ends]
            frequent = np.asarray(ends)[counts >= np.sort(counts)[-3:].min()].tolist()
            first = sorted(frequent, key=lambda row: (-vocab.counts[row], vocab.words[row]))[:3]
            few = " ".join(vocab.words[row].decode("utf-8", "replace")[:20] for row in first)
            found.append(
                f"{share:.0%} of the tokens end in punctuation ({few} ...), which makes other words of them;"
                f" {setting('tokenizer', 'words')} takes it off"
            )
    return found


def _dotless(vocab: Vocab) -> float:
    """The share of the tokens that are one of the first words and hold the letter of Turkish."""
    rows = min(len(vocab), STEP_WORDS)
    words = vocab.words.joined(b"\n", 0, rows).split(b"\n")
    held = [row for row, word in enumerate(words[:rows]) if "\u0131".encode() in word]
    return int(vocab.counts[held].sum()) / max(1, vocab.total)


def _conversion(vocab: Vocab) -> str:
    """How to write a text as UTF-8 that holds these words. Between ASCII letters a few others are those of western
    Europe; of other alphabets nothing is guessed, since from Latin-1 any bytes can be converted, to nonsense."""
    words: list[bytes] = []
    row = -1
    while (row := vocab.words.first_not_text(row + 1)) >= 0 and len(words) < MOST_LINES:
        words.append(vocab.words[row])
    text = b"".join(words)
    if 5 * sum(byte >= 0x80 for byte in text) >= 3 * len(text):
        return (
            "iconv -f ENCODING -t UTF-8 FILE > NEW, where ENCODING is the one it was written in (WINDOWS-1251, "
            "GB18030, SHIFT_JIS, ...)"
        )
    encoding = "WINDOWS-1252" if any(0x80 <= byte < 0xA0 for byte in text) else "LATIN1"
    return f"iconv -f {encoding} -t UTF-8 FILE > NEW"


def _rows_ending_like(vocab: Vocab, marks: tuple[bytes, ...]) -> Iterator[int]:
    """Rows of words with one of some marks at their end."""
    last = np.zeros(256, bool)
    last[[mark[-1] for mark in marks]] = True
    for low in range(0, len(vocab), STEP_WORDS):
        ends = np.cumsum(vocab.words[low : low + STEP_WORDS].lengths())
        text = np.frombuffer(vocab.words.joined(b"", low, low + STEP_WORDS), np.uint8)
        rows = np.flatnonzero(last[text[ends - 1]]) + low
        yield from (row for row in rows.tolist() if vocab.words[row].endswith(marks))


def _has_letters(word: bytes) -> bool:
    return any(map(str.isalnum, word.decode("utf-8", "replace")))
