"""word2vec on sessions: a made-up music service, and what the settings that item2vec papers advise do to it.

    python scripts/study_sessions.py                    # the table of docs/sessions.md, as Markdown
    python scripts/study_sessions.py --write sessions.txt    # only the sessions, one a line, for w2v train
    python scripts/study_sessions.py --events events.csv     # 200,000 as the log of a service, with songs' titles.tsv

2,500 songs lie in 50 scenes of 50; within a scene a few are heard much more than the rest (Zipf). A listener stays in
one scene, drifts along a chain of neighbouring ones, and now and then hears one of the service's hits, which go with
everything. Each setting is trained three times. A tenth of the sessions is kept apart: from the last song but one, the
ten nearest songs are recommended; how often the last song is among them is HR@10 (hit rate), and NDCG@10 tells how far
up.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path
from typing import Any

import numpy as np

SONGS, SCENES = 2500, 50
SCENE_SONGS = SONGS // SCENES
SESSIONS, SHORTEST, MEAN_MORE = 30_000, 4, 10
EVENT_SESSIONS = 200_000
HITS, HIT_SHARE = 25, 0.15  # songs that are heard in every scene, and how often
DRIFT = 0.05  # chance to move to the next scene after a song
ZIPF = 0.8
TOP = 10

PLAIN: dict[str, Any] = {"min_count": 1, "dim": 50, "threads": 1}
SETTINGS: list[tuple[str, dict[str, Any]]] = [
    ("defaults", {}),
    ("`--sample 0`", {"sample": 0.0}),
    ("`--window 50`", {"window": 50}),
    ("`--epochs 25`", {"epochs": 25}),
    ("`--ns-exponent 0`", {"ns_exponent": 0.0}),
    ("`--ns-exponent -0.5`", {"ns_exponent": -0.5}),
    ("`--ns-exponent -1`", {"ns_exponent": -1.0}),
    ("`--sample 0 --window 50`", {"sample": 0.0, "window": 50}),
    ("`--sample 0 --window 50 --ns-exponent -0.5`", {"sample": 0.0, "window": 50, "ns_exponent": -0.5}),
    ("`--window 50 --ns-exponent -0.5`", {"window": 50, "ns_exponent": -0.5}),
    (
        "`--sample 0 --window 50 --ns-exponent -0.5 --epochs 25`",
        {"sample": 0.0, "window": 50, "ns_exponent": -0.5, "epochs": 25},
    ),
    ("`--sample 0 --window 50 --epochs 25`", {"sample": 0.0, "window": 50, "epochs": 25}),
]


def make_sessions(seed: int = 1, count: int = SESSIONS) -> list[list[str]]:
    """Playlists of song names, the same for the same seed."""
    random = np.random.default_rng(seed)
    weights = 1 / np.arange(1, SCENE_SONGS + 1) ** ZIPF
    weights /= weights.sum()
    hits = random.choice(SONGS, HITS, replace=False)
    sessions = []
    for _ in range(count):
        scene = int(random.integers(SCENES))
        songs: list[int] = []
        for _ in range(SHORTEST + int(random.geometric(1 / MEAN_MORE))):
            if random.random() < HIT_SHARE:
                song = int(random.choice(hits))
            else:
                song = scene * SCENE_SONGS + int(random.choice(SCENE_SONGS, p=weights))
            if song not in songs:
                songs.append(song)
            if random.random() < DRIFT:
                scene = (scene + 1) % SCENES
        sessions.append([f"song{song}" for song in songs])
    return sessions


def write_events(path: Path, sessions: list[list[str]]) -> int:
    """The sessions as a service logs them, in the order of time: a week of listeners, each with about five sessions.
    Songs are numbered; titles.tsv beside it says what they are called. Returns the rows."""
    draw = np.random.default_rng(2)
    rows = []
    for session in sessions:
        user, start = int(draw.integers(len(sessions) // 5)), int(draw.integers(7 * 86_400))
        for place, song in enumerate(session):
            rows.append((1_700_000_000 + start + 200 * place, user, 100_000 + int(song.removeprefix("song"))))
    with path.open("w", encoding="utf-8") as file:
        file.write("time,user,item\n")
        file.writelines(f"{time},{user},{item}\n" for time, user, item in sorted(rows))
    with path.with_name("titles.tsv").open("w", encoding="utf-8") as file:
        for song in range(SONGS):
            file.write(f"{100_000 + song}\tscene {song // SCENE_SONGS + 1}, song {song % SCENE_SONGS + 1}\n")
    return len(rows)


def score(vectors: Any, held_out: list[list[str]]) -> tuple[float, float]:
    """(HR@10, NDCG@10) of the last song of each session, asked from the one before it."""
    pairs = [(session[-2], session[-1]) for session in held_out]
    pairs = [(a, b) for a, b in pairs if a in vectors and b in vectors]
    matrix = vectors.units(range(len(vectors)))
    asked = np.array([vectors.index(a) for a, _ in pairs])
    wanted = np.array([vectors.index(b) for _, b in pairs])
    cosines = matrix[asked] @ matrix.T
    cosines[np.arange(len(asked)), asked] = -2  # a song does not recommend itself
    return gains(1 + (cosines > cosines[np.arange(len(asked)), wanted][:, None]).sum(axis=1))


def score_of_popularity(songs: list[str], held_out: list[list[str]]) -> tuple[float, float]:
    """The same for a service that recommends its most played songs to everybody; `songs` in falling order."""
    place = {song: rank for rank, song in enumerate(songs, 1)}
    ranks = [place.get(s[-1], len(songs)) - (place.get(s[-2], len(songs)) < place.get(s[-1], 0)) for s in held_out]
    return gains(np.array(ranks))


def gains(rank: np.ndarray) -> tuple[float, float]:
    """(HR@10, NDCG@10) of ranks from 1."""
    hit = rank <= TOP
    return float(hit.mean()), float((hit / np.log2(1 + rank)).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", metavar="FILE", help="write the sessions and end")
    parser.add_argument("--events", metavar="FILE", type=Path, help="write events as CSV, and titles.tsv, and end")
    parser.add_argument("--count", type=int, default=EVENT_SESSIONS, help="sessions for --events [200000]")
    parser.add_argument("--seed", type=int, default=1, help="of the events [1]")
    parser.add_argument("--seeds", default="1,2,3", help="of the trainings [1,2,3]")
    options = parser.parse_args()
    if options.events:
        rows = write_events(options.events, make_sessions(options.seed, options.count))
        print(f"{options.events}: {rows:,} rows")
        return
    sessions = make_sessions()
    if options.write:
        with open(options.write, "w", encoding="utf-8") as file:
            file.writelines(" ".join(session) + "\n" for session in sessions)
        return

    import w2v

    cut = len(sessions) * 9 // 10
    corpus, held_out = w2v.encode(sessions[:cut], min_count=1), sessions[cut:]
    tokens = corpus.token_counts.kept
    print(f"{cut:,} sessions, {tokens:,} plays of {len(corpus.vocab):,} songs; {len(held_out):,} sessions kept apart\n")
    print("| settings | HR@10 | +- | NDCG@10 |\n| --- | --- | --- | --- |")
    hits, gained = score_of_popularity([word.decode() for word in corpus.vocab.words], held_out)
    print(f"| the ten most played songs, for everybody | {hits:.3f} | | {gained:.3f} |")
    for name, settings in SETTINGS:
        scores = []
        for seed in map(int, options.seeds.split(",")):
            scores.append(score(w2v.train(corpus, seed=seed, **{**PLAIN, **settings}), held_out))
        rates, gained_each = zip(*scores, strict=True)
        spread = statistics.stdev(rates) if len(rates) > 1 else 0.0
        print(f"| {name} | {statistics.fmean(rates):.3f} | {spread:.3f} | {statistics.fmean(gained_each):.3f} |")


if __name__ == "__main__":
    sys.exit(main())
