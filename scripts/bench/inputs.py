"""The files that are measured on: made when a row first needs them, then kept."""

from __future__ import annotations

import gzip
import lzma
import shutil
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Inputs"]


class Inputs:
    """Corpora and vectors in the folder `work`; `folder` holds the benchmark data: wiki100.txt.xz, questions, pairs."""

    def __init__(self, folder: Path, work: Path):
        self.folder, self.work = folder, work

    def wiki(self) -> str:
        """The benchmark corpus as plain text."""
        path = self.work / "wiki100.txt"
        packed = self.folder / "wiki100.txt.xz"
        if not path.exists():
            if not packed.exists():
                sys.exit(f"bench: {packed}: not here; set W2V_BENCH_DATA to the folder of benchmark data")
            partial = path.with_suffix(".part")
            with lzma.open(packed) as source, open(partial, "wb") as file:
                shutil.copyfileobj(source, file, 1 << 20)
            partial.rename(path)
        return str(path)

    def wiki_start(self, size: int = 30_000_000) -> str:
        """Its first bytes, up to the end of a line."""
        path = self.work / f"wiki{size // 1_000_000}.txt"
        if not path.exists():
            with open(self.wiki(), "rb") as whole:
                path.write_bytes(whole.read(size) + whole.readline())
        return str(path)

    def wiki_gz(self) -> str:
        path = self.work / "wiki100.txt.gz"
        if not path.exists():
            with open(self.wiki(), "rb") as plain, gzip.open(path, "wb", compresslevel=6) as packed:
                shutil.copyfileobj(plain, packed, 1 << 20)
        return str(path)

    def zipf(self, types: int = 1_200_000, every: bool = False) -> str:
        """20M tokens in lines of 20, words by Zipf's law; with 1,200,000 types about 1,000,000 different ones. With
        `every`, each type once more, so that none is missing."""
        path = self.work / (f"zipf-{types}.txt" if every else "zipf.txt")
        if not path.exists():
            import numpy as np

            random = np.random.default_rng(1)
            shares = 1 / (np.arange(types) + 2.7)
            edges = np.cumsum(shares / shares.sum())
            partial = path.with_suffix(".part")
            with open(partial, "w") as file:
                for _ in range(20):
                    ids = np.searchsorted(edges, random.random(1_000_000)).clip(max=types - 1)
                    write_lines(file, ids)
                if every:
                    for some in np.array_split(random.permutation(types), max(1, types // 1_000_000)):
                        write_lines(file, some)
            partial.rename(path)
        return str(path)

    def types(self, count: int = 5_000_000) -> tuple[str, int]:
        """Words of 9 to 12 bytes, each three times, in another order each time; and the bytes of the words."""
        path = self.work / f"types-{count}.txt"
        if not path.exists():
            import numpy as np

            words = [f"w{i * 2654435761 % 2**32:08x}{'xyz'[: i % 4]}" for i in range(count)]
            random = np.random.default_rng(1)
            partial = path.with_suffix(".part")
            with open(partial, "w") as file:
                for _ in range(3):
                    order = random.permutation(count)
                    for start in range(0, count, 20):
                        file.write(" ".join(words[i] for i in order[start : start + 20]) + "\n")
            partial.rename(path)
        return str(path), sum(9 + i % 4 for i in range(count))

    def large_vectors(self) -> str:
        """A 1,000,000 x 300 binary file."""
        path = self.work / "large.bin"
        if not path.exists():
            import numpy as np

            import w2v

            matrix = np.random.default_rng(1).standard_normal((1_000_000, 300), np.float32)
            w2v.Vectors([b"w%x" % i for i in range(len(matrix))], matrix).save(path)
        return str(path)

    def fasttext_model(self, words: int = 2_000_000, buckets: int = 2_000_000, dim: int = 300) -> str:
        """A model of fastText's of the size that is published, 4.8 GB: generated words, rows of random numbers. The
        matrix of outputs, which no question needs, is a hole in the file."""
        path = self.work / "published.ftbin"
        if not path.exists():
            import numpy as np

            random = np.random.default_rng(1)
            partial = path.with_suffix(".part")
            with open(partial, "wb") as file:
                file.write(struct.pack("<2i", 793712314, 12))
                file.write(struct.pack("<12id", dim, 5, 5, 5, 5, 1, 2, 2, buckets, 3, 6, 100, 1e-4))
                file.write(struct.pack("<3i2q", words, words, 0, 10 * words, -1))
                for first in range(0, words, 100_000):
                    file.write(
                        b"".join(
                            b"%xword\0" % i + struct.pack("<qb", 10, 0)
                            for i in range(first, min(first + 100_000, words))
                        )
                    )
                file.write(struct.pack("<b2q", 0, words + buckets, dim))
                for first in range(0, words + buckets, 50_000):
                    rows = min(50_000, words + buckets - first)
                    file.write(random.standard_normal((rows, dim), np.float32).tobytes())
                file.write(struct.pack("<b2q", 0, words, dim))
                file.truncate(file.tell() + 4 * words * dim)
            partial.rename(path)
        return str(path)


def write_lines(file: TextIO, ids: NDArray[np.int64]) -> None:
    """The words w0, w1, ... in lines of 20."""
    names = [f"w{i:x}" for i in ids.tolist()]
    for start in range(0, len(names), 20):
        file.write(" ".join(names[start : start + 20]))
        file.write("\n")
