"""Small models by fastText itself, which test_fasttext_files.py reads: `pip install fasttext-wheel`, then

    python tests/vectors/make_fasttext_files.py tests/vectors/fasttext

writes skipgram.bin, quantised.ftz (supervised, pruned, with norms) and vectors.json: what fastText says of words that
they know and of others.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from pathlib import Path

import fasttext

STEMS = ["walk", "größ", "прив", "ქალა", "שלו", "東京"]
ENDINGS = ["", "e", "s", "ов", "ი", "ם", "都"]
WORDS = [stem + ending for stem in STEMS for ending in ENDINGS]
UNSEEN = ["walked", "größen", "привет", "ქალაქი", "שלומם", "東京タワー", "q", "😀", "naïve"]
SETTINGS = {"bucket": 60, "minn": 2, "maxn": 3, "minCount": 1, "epoch": 2, "thread": 1, "lr": 0.2, "verbose": 0}


def main(folder: Path) -> None:
    found = {}
    draw = random.Random(1)
    with tempfile.TemporaryDirectory() as work:
        text, labelled = Path(work, "text"), Path(work, "labelled")
        text.write_text("".join(" ".join(draw.choices(WORDS, k=8)) + "\n" for _ in range(200)), encoding="utf-8")
        numbers = [f"w{number}" for number in range(150)]
        labelled.write_text(
            "".join(f"__label__{i % 3} {' '.join(draw.choices(WORDS + numbers, k=12))}\n" for i in range(300)),
            encoding="utf-8",
        )
        model = fasttext.train_unsupervised(str(text), dim=4, **SETTINGS)
        found["skipgram.bin"] = save(model, folder / "skipgram.bin", WORDS)
        model = fasttext.train_supervised(str(labelled), dim=3, **{**SETTINGS, "bucket": 200})
        model.quantize(input=str(labelled), qnorm=True, cutoff=270, thread=1)
        found["quantised.ftz"] = save(model, folder / "quantised.ftz", WORDS + numbers)
    (folder / "vectors.json").write_text(
        json.dumps(found, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8"
    )


def save(model: fasttext.FastText._FastText, path: Path, words: list[str]) -> dict[str, list[float]]:
    model.save_model(str(path))
    return {word: [round(float(x), 8) for x in model.get_word_vector(word)] for word in [*words[::3], "</s>", *UNSEEN]}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
