"""`w2v senses`: the senses of a word, by its neighbours."""

from __future__ import annotations

from w2v.cli.answers import LineAnswer, Row, answer_rows, answers_format, load_vectors
from w2v.cli.command import Argument, Command, Option
from w2v.cli.options import Whole, top_option, vectors_argument
from w2v.cli.prompt import Prompt
from w2v.errors import W2VError

__all__ = ["command"]

HELP = """The senses of a word: its neighbours in groups that are near to each other.

Prints one row per sense, the one with most of the neighbours first: the word, its name, its share of the neighbours,
and its nearest words. A word with one sense has one row. The names can be asked for wherever a word can: w2v similar
vectors.bin polish#2 (the names are those found without --links).

A vector is the mean of all the senses that a word had in the text; this separates them (Pelevina et al. 2016).
"""

EXAMPLES = [
    ("What a word means", "w2v senses vectors.bin king"),
    ("The words nearest to its first sense", "w2v similar vectors.bin king#1"),
    ("Finer senses, with more words of each", "w2v senses vectors.bin king --links 8 -k 20"),
]


def senses(vectors: str, words: tuple[str, ...], topn: int, links: int, form: str | None) -> int:
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


command = Command(
    "senses",
    usage="VECTORS [WORD...] [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=senses,
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
