"""Which images are frames of one sequence, as their names tell."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

LEAST_FRAMES = 5
"""So many names that count up are no chance."""
_MISSING = 2
"""Frames in a row that may be missing."""
_MOST_DIGITS = 40
"""No clock and no counter writes longer numbers."""
_NUMBER = re.compile(rf"(?<!\d)\d{{1,{_MOST_DIGITS}}}(?!\d)")


@dataclass(frozen=True, slots=True)
class Frames:
    """Images that follow each other: their ``image_ids``, and the ``times`` of each in frames since the first, in which
    missing ones are counted."""

    image_ids: tuple[int, ...]
    times: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.times)


def find_sequences(image_ids: Sequence[int], paths: Sequence[str]) -> list[Frames]:
    """Images of one folder whose names differ in one number alone, which grows by the same step; one or two may be
    missing in between. Each image is in one sequence at most, the longest that has it. ``paths`` are posix.

    Names alone say nothing of what is seen: photos of one camera count up as well, and may be of any size. Whether a
    picture goes on from the one before is for ``tracking`` to say.
    """
    named: defaultdict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    for image_id, path in zip(image_ids, paths, strict=True):
        start = path.rfind("/") + 1
        dot = path.rfind(".", start)
        for match in _NUMBER.finditer(path, start, dot if dot > start else len(path)):
            around = (path[: match.start()], path[match.end() :])
            named[around].setdefault(int(match[0]), image_id)
    chains = [chain for ids in named.values() if len(ids) >= LEAST_FRAMES for chain in _chains(ids)]
    chains.sort(key=len, reverse=True)
    taken: set[int] = set()
    found: list[Frames] = []
    for chain in chains:
        if taken.isdisjoint(chain.image_ids):
            taken.update(chain.image_ids)
            found.append(chain)
    return found


def _chains(ids: dict[int, int]) -> list[Frames]:
    """Images by their numbers, cut where more is missing than may be."""
    numbers = sorted(ids)
    steps = Counter(after - before for before, after in pairwise(numbers))
    step = min(steps, key=lambda size: (-steps[size], size))
    parts: list[list[int]] = [[numbers[0]]]
    for before, after in pairwise(numbers):
        frames, rest = divmod(after - before, step)
        if rest or frames > _MISSING + 1:
            parts.append([])
        parts[-1].append(after)
    return [
        Frames(
            image_ids=tuple(ids[number] for number in part),
            times=tuple((number - part[0]) // step for number in part),
        )
        for part in parts
        if len(part) >= LEAST_FRAMES
    ]
