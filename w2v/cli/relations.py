"""`w2v similarity`, `w2v rank`, `w2v odd-one-out`, `w2v senses`: how words relate, and what a word means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from w2v.cli.answers import LineAnswer, Row, answer_rows, answers_format, each_line, load_vectors, made_note
from w2v.cli.command import Argument, Command, Option
from w2v.cli.errors import usage_error
from w2v.cli.options import Whole, top_option, vectors_argument
from w2v.cli.prompt import Prompt
from w2v.errors import UnknownWordError, W2VError

if TYPE_CHECKING:
    from w2v.vectors.vectors import Vectors

__all__ = ["odd_one_out", "rank", "senses", "similarity"]

SIMILARITY_HELP = """The cosine of two words: 1 for the same direction, 0 for nothing in common, -1 for opposite ones.

Without words, reads one pair per line from standard input, separated by a tab or a space. From a large binary file,
only the rows asked for are read.
"""

SIMILARITY_EXAMPLES = [
    ("Two words", "w2v similarity vectors.bin king queen"),
    (
        "Pairs of a file, the nearest first",
        "cut -f 1,2 pairs.tsv | w2v similarity vectors.bin | sort -t $'\\t' -k 3 -gr",
    ),
    ("As JSON lines", "w2v similarity vectors.bin king queen --format json"),
]


def ask_similarity(vectors: str, words: tuple[str, ...], form: str | None) -> int:
    if words and len(words) != 2:
        raise usage_error(f"two words are compared, A B; found {len(words)}")

    from w2v.vectors.query import VectorFile

    with VectorFile(vectors, on_made=made_note()) as asker:
        return answer_rows(
            words, each_line(asker.pick, cosine), form, Prompt("A B> ", asker, "{0} {3}", "Two words: their cosine.")
        )


def cosine(vectors: Vectors, words: list[str]) -> list[Row]:
    if len(words) != 2:
        raise W2VError(f'"{" ".join(words)}": two words are compared, A B; found {len(words)}')
    a, b = words
    return [{"a": a, "b": b, "cosine": round(vectors.similarity(a, b), 6)}]


similarity = Command(
    "similarity",
    usage="VECTORS [A B] [options]",
    help=SIMILARITY_HELP,
    examples=SIMILARITY_EXAMPLES,
    callback=ask_similarity,
    params=[
        vectors_argument(),
        Argument(["words"], nargs=-1, metavar="A B", line="The two words."),
        answers_format("a, b, cosine"),
    ],
)


RANK_HELP = """The place of B among the neighbours of A, from 1: one more than the number of words that are nearer to A.

It is not symmetric: a rare word's nearest neighbour may have a thousand nearer ones. Without words, reads one pair per
line from standard input. The same as gensim's `rank`.
"""

RANK_EXAMPLES = [
    ("How near is queen to king?", "w2v rank vectors.bin king queen"),
    ("Both ways", "printf 'king\\tqueen\\nqueen\\tking\\n' | w2v rank vectors.bin"),
]


def ask_rank(vectors: str, words: tuple[str, ...], form: str | None) -> int:
    if words and len(words) != 2:
        raise usage_error(f"a rank is asked of two words, A B; found {len(words)}")

    from w2v.vectors.query import VectorFile

    with VectorFile(vectors, on_made=made_note()) as asker:

        def answer(asked: list[list[str]]) -> list[LineAnswer]:
            found = iter(asker.ranks([(line[0], line[1]) for line in asked if len(line) == 2]))
            return [rank_row(line, next(found)) if len(line) == 2 else ([], [not_two(line)]) for line in asked]

        return answer_rows(
            words,
            answer,
            form,
            Prompt("A B> ", asker, "{0} {3}", "Two words: the place of the second among the neighbours of the first."),
        )


def rank_row(words: list[str], answer: tuple[int, float] | UnknownWordError) -> LineAnswer:
    if isinstance(answer, UnknownWordError):
        return [], [answer]
    return [{"a": words[0], "b": words[1], "rank": answer[0], "cosine": round(answer[1], 6)}], []


def not_two(words: list[str]) -> W2VError:
    return W2VError(f'"{" ".join(words)}": a rank is asked of two words, A B; found {len(words)}')


rank = Command(
    "rank",
    usage="VECTORS [A B] [options]",
    help=RANK_HELP,
    examples=RANK_EXAMPLES,
    callback=ask_rank,
    params=[
        vectors_argument(),
        Argument(["words"], nargs=-1, metavar="A B", line="The word that is asked about, and the neighbour."),
        answers_format("a, b, rank, cosine"),
    ],
)


ODD_ONE_OUT_HELP = """The word that does not belong: the one whose cosine to the mean of all of them is the least.

Prints one row per word with that cosine, the odd one first. Without words, reads one set per line from standard input.
The same as gensim's `doesnt_match`.
"""

ODD_ONE_OUT_EXAMPLES = [
    ("One of these is not like the others", "w2v odd-one-out vectors.bin king queen prince today"),
    ("One set per line, as JSON lines", "w2v odd-one-out vectors.bin --format json < questions.txt"),
]


def ask_odd_one_out(vectors: str, words: tuple[str, ...], form: str | None) -> int:
    if len(words) == 1:
        raise usage_error("words are compared with each other; give at least two")

    from w2v.vectors.query import VectorFile

    with VectorFile(vectors, on_made=made_note()) as asker:
        return answer_rows(
            words,
            each_line(asker.pick, odd_rows, partly=True),
            form,
            Prompt(
                "words> ", asker, "{0} {1} {2} {3}", "Three words or more: the one that does not belong comes first."
            ),
        )


def odd_rows(vectors: Vectors, words: list[str]) -> list[Row]:
    from w2v.vectors.relations import odd_one_out as cosines

    query = " ".join(words)
    return [{"query": query, "word": word, "cosine": round(cosine, 6)} for word, cosine in cosines(vectors, words)]


odd_one_out = Command(
    "odd-one-out",
    usage="VECTORS [WORD...] [options]",
    help=ODD_ONE_OUT_HELP,
    examples=ODD_ONE_OUT_EXAMPLES,
    callback=ask_odd_one_out,
    params=[
        vectors_argument(),
        Argument(["words"], nargs=-1, metavar="WORD", line="The words; three or more make sense."),
        answers_format("query, word, cosine"),
    ],
)


SENSES_HELP = """The senses of a word: its neighbours in groups that are near to each other.

Prints one row per sense, the one with most of the neighbours first: the word, its name, its share of the neighbours,
and its nearest words. A word with one sense has one row. The names can be asked for wherever a word can: w2v similar
vectors.bin polish#2 (the names are those found without --links).

A vector is the mean of all the senses that a word had in the text; this separates them (Pelevina et al. 2016).
"""

SENSES_EXAMPLES = [
    ("What a word means", "w2v senses vectors.bin king"),
    ("The words nearest to its first sense", "w2v similar vectors.bin king#1"),
    ("Finer senses, with more words of each", "w2v senses vectors.bin king --links 8 -k 20"),
]


def ask_senses(vectors: str, words: tuple[str, ...], topn: int, links: int, form: str | None) -> int:
    from w2v.vectors.senses import senses_of

    loaded = load_vectors(vectors)

    def answer(lines: list[list[str]]) -> list[LineAnswer]:
        answers: list[LineAnswer] = []
        for asked in lines:
            rows: list[Row] = []
            errors: list[W2VError] = []
            for word in asked:
                try:
                    found = senses_of(loaded, word, links=links)
                except W2VError as error:
                    errors.append(error)
                    continue
                for sense in found:
                    names = [other for other, _ in sense.words[:topn]]
                    rows.append(
                        {
                            "word": word,
                            "sense": sense.name,
                            "share": round(sense.share, 4),
                            "words": names if form == "json" else " ".join(names),
                        }
                    )
            answers.append((rows, errors))
        return answers

    return answer_rows(
        words, answer, form, Prompt("senses> ", loaded, "{0}", "A word: its neighbours in groups, one for each sense.")
    )


senses = Command(
    "senses",
    usage="VECTORS [WORD...] [options]",
    help=SENSES_HELP,
    examples=SENSES_EXAMPLES,
    callback=ask_senses,
    params=[
        vectors_argument(),
        Argument(["words"], nargs=-1, metavar="WORD", line="Words; without any, one per line from standard input."),
        top_option("Number of words per sense."),
        Option(
            ["--links"],
            type=Whole(1),
            metavar="N",
            default=15,
            shown_default="15",
            help="Neighbours that each neighbour is linked to; fewer give finer senses.",
        ),
        answers_format("word, sense, share, words"),
    ],
)
