"""Places for labels beside their points, so that no two labels overlap.

Each label tries places around its point, near ones first, and takes the one that costs least: what is far from its
point, covers another point, a line, or another label's leader costs something; what would overlap another label or
leave the picture is never taken. A few rounds over all labels let each answer to the others (point-feature label
placement by local search; Christensen, Marks and Shieber 1995). A label that finds no place is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Placing", "place_labels"]

ROUNDS = 3
DIRECTIONS = 20
RINGS = (0.0, 0.5, 1.0, 1.7, 2.5, 3.5, 5.0, 7.0, 9.5, 13.0, 18.0)  # distances from the point, in label heights
COVERED_POINT, COVERED_LINE = 1.3, 0.25  # costs; a distance of one label height costs FAR
FAR = 0.8
SLANTED = 0.15  # beside the point, above and below read better than in between
LEADER_STEPS = np.linspace(0.15, 1.0, 12)


@dataclass
class Placing:
    """Where labels are: `centres` float64 [n, 2], `placed` bool [n]; the others of `centres` mean nothing."""

    centres: np.ndarray
    placed: np.ndarray


def place_labels(
    points: np.ndarray,
    sizes: np.ndarray,
    room: tuple[float, float],
    gap: float,
    anchors: np.ndarray | None = None,
    lines: np.ndarray | None = None,
    reach: float = RINGS[-1],
) -> Placing:
    """Places for labels of `sizes` [n, 2] beside `anchors` [n, 2] within 0..`room`, all in one unit, such as pixels.

    `points` [m, 2] are what labels had better not cover (the anchors, if none are given apart), `lines` [k, 2] dots
    along drawn lines, which matter less; `gap` is the least space between a label and its point. Labels come in the
    order of their weight: the first ones are placed first. None is further from its point than `reach` label
    heights.
    """
    anchors = points if anchors is None else anchors
    lines = np.zeros((0, 2)) if lines is None else lines
    count = len(anchors)
    centres, placed = np.zeros((count, 2)), np.zeros(count, bool)
    leaders = np.zeros((count, len(LEADER_STEPS), 2))
    halves = sizes / 2
    for _ in range(ROUNDS):
        changed = False
        for label in range(count):
            options, far, slant = around(anchors[label], halves[label], sizes[:, 1].max(), gap, reach)
            inside = ((options >= halves[label]) & (options <= np.subtract(room, halves[label]))).all(axis=1)
            options, far, slant = options[inside], far[inside], slant[inside]
            if not len(options):
                continue
            there = placed & (np.arange(count) != label)
            free = ~overlaps(options, halves[label], centres[there], halves[there])
            options, cost = options[free], (FAR * far + SLANTED * slant)[free]
            if not len(options):
                continue
            cost += COVERED_POINT * covered(options, halves[label], points)
            cost += COVERED_LINE * covered(options, halves[label], lines)
            cost += COVERED_LINE * covered(options, halves[label], leaders[there].reshape(-1, 2))
            cost += COVERED_LINE * crossed(options, anchors[label], centres[there], halves[there])
            best = options[np.argmin(cost)]
            changed |= not placed[label] or not np.array_equal(best, centres[label])
            centres[label], placed[label] = best, True
            leaders[label] = anchors[label] + LEADER_STEPS[:, None] * (best - anchors[label])
        if not changed:
            break
    return Placing(centres, placed)


def around(
    anchor: np.ndarray, half: np.ndarray, height: float, gap: float, reach: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places [k, 2] for a label around its point, how far each is (in label heights), how slanted its direction."""
    turns = np.arange(DIRECTIONS) * 2 * np.pi / DIRECTIONS
    ways = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    # The label's middle lies on a rounded box around the point, so that its border is `gap` away in every direction.
    border = np.clip(ways * 1.5, -1, 1) * half + ways * gap
    rings = np.array([ring for ring in RINGS if ring <= reach])
    places = anchor + border[None] + rings[:, None, None] * height * ways[None]
    slant = np.abs(np.sin(2 * turns)) + 0.6 * (ways[:, 0] < -0.5)  # to the right rather than to the left
    return (
        places.reshape(-1, 2),
        np.repeat(rings, DIRECTIONS),
        np.tile(slant, len(rings)),
    )


def overlaps(options: np.ndarray, half: np.ndarray, centres: np.ndarray, halves: np.ndarray) -> np.ndarray:
    """Whether a label at each of `options` would overlap one of those already placed; bool [k]."""
    near = within_reach(options, half + halves, centres)
    apart = np.abs(options[:, None] - centres[near][None])
    hit: np.ndarray = (apart < half + halves[near]).all(axis=2).any(axis=1)
    return hit


def covered(options: np.ndarray, half: np.ndarray, dots: np.ndarray) -> np.ndarray:
    """How many dots a label at each of `options` would cover; int [k]."""
    near = dots[within_reach(options, half, dots)]
    count: np.ndarray = (np.abs(options[:, None] - near[None]) <= half).all(axis=2).sum(axis=1)
    return count


def crossed(options: np.ndarray, anchor: np.ndarray, centres: np.ndarray, halves: np.ndarray) -> np.ndarray:
    """How far (in twelfths) the leader to a label at each of `options` would run over labels already placed; int
    [k]."""
    low, high = np.minimum(options.min(axis=0), anchor), np.maximum(options.max(axis=0), anchor)
    near = ((centres + halves >= low) & (centres - halves <= high)).all(axis=1)
    dots = anchor + LEADER_STEPS[:, None, None] * (options - anchor)
    apart = np.abs(dots[:, :, None] - centres[near])
    twelfths: np.ndarray = (apart <= halves[near]).all(axis=3).sum(axis=(0, 2))
    return twelfths


def within_reach(options: np.ndarray, reach: np.ndarray, dots: np.ndarray) -> np.ndarray:
    """Which dots lie so near to one of `options` that they can matter; bool [n]. It is what makes many labels quick."""
    near: np.ndarray = ((dots >= options.min(axis=0) - reach) & (dots <= options.max(axis=0) + reach)).all(axis=1)
    return near


def leader(anchor: np.ndarray, centre: np.ndarray, half: np.ndarray) -> np.ndarray:
    """The point of a label's border that is nearest to its point, float64 [2]."""
    point: np.ndarray = np.clip(anchor, centre - half, centre + half)
    return point
