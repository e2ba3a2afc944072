"""Dividing images into splits."""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from detcore.errors import ConfigError
from detcore.types import Image


class GroupBy(StrEnum):
    """By what images belong together."""

    NOTHING = "nothing"
    FOLDER = "folder"
    PATTERN = "pattern"
    TIME = "time"
    DUPLICATES = "duplicates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """``pattern``: a regular expression that is searched in the image's path; what its first bracket holds, or all of it,
    is the group. ``gap``: seconds; photos of a folder that were taken closer together belong together.

    Raises:
        ConfigError: the pattern is no regular expression or is empty, or the gap is negative.
    """

    by: GroupBy = GroupBy.NOTHING
    pattern: str = ""
    gap: float = 60.0

    def __post_init__(self) -> None:
        if self.by is GroupBy.PATTERN:
            if not self.pattern:
                raise ConfigError("no pattern is given", hint=r"Give one such as ^(patient\d+)_")
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise ConfigError(
                    f"the pattern {self.pattern!r} is no regular expression ({error})"
                ) from error
        if not self.gap >= 0:
            raise ConfigError("a gap of time must be 0 seconds or more")


def make_splits(
    image_ids: Iterable[int],
    ratios: Mapping[str, float],
    *,
    seed: int = 0,
    groups: Sequence[Mapping[int, str | None]] = (),
    ranks: Mapping[int, int] | None = None,
    classes: Mapping[int, Mapping[int, int]] | None = None,
) -> dict[int, str]:
    """A split for every image, the same for the same seed whatever the order of ``image_ids``.

    ``ratios`` are weights, such as ``{"train": 0.8, "val": 0.2}``. Images of one group (frames of a
    video, photos of a patient) stay together, so that no split holds the neighbours of another's images;
    where ``groups`` are several, those that hang together by any of them. As long as there are enough groups, no
    split with a weight stays empty.

    ``ranks`` say which images matter most (0 first, which is also that of images without one): those of each
    rank are divided by the shares for themselves, so that a few images with boxes among many without do not
    all end up in one split. When there are too few for all splits, those with the greatest weight get theirs
    first.

    ``classes`` say how many boxes of each class an image has: with them each class is divided by the shares as well as
    it can be, the rarest first (Sechidis et al. 2011, "On the Stratification of Multi-Label Data").

    Raises:
        ConfigError: a weight is negative or not a number, or none is positive.
    """
    weights = {split: float(weight) for split, weight in ratios.items()}
    if any(not math.isfinite(weight) or weight < 0 for weight in weights.values()):
        raise ConfigError(f"the shares of the splits must be numbers from 0: {weights}")
    weights = {split: weight for split, weight in weights.items() if weight > 0}
    if not weights:
        raise ConfigError("at least one split needs a share above 0")
    bundles = _bundles(image_ids, groups)
    random.Random(seed).shuffle(bundles)
    bundles.sort(key=len, reverse=True)  # large groups first: the small ones then even things out
    by_rank: dict[int, list[list[int]]] = {}
    for bundle in bundles:
        rank = min((ranks or {}).get(image_id, 0) for image_id in bundle)
        by_rank.setdefault(rank, []).append(bundle)
    ranked = [by_rank[rank] for rank in sorted(by_rank)]
    assigned = (
        _assign(ranked, weights)
        if classes is None
        else _stratify(list(chain.from_iterable(ranked)), classes, weights)
    )
    return {image_id: split for split, parts in assigned.items() for part in parts for image_id in part}


def divide_images(
    images: Sequence[Image],
    ratios: Mapping[str, float],
    *,
    seed: int = 0,
    ranks: Mapping[int, int] | None = None,
    groups: Mapping[int, str] | None = None,
    classes: Mapping[int, Mapping[int, int]] | None = None,
) -> dict[int, str]:
    """A split for every image by id, whatever split it has now. ``groups`` hold beside those that the images name
    themselves; ``ranks``, ``classes`` and what is raised as in ``make_splits``."""
    named = {image.id: image.group for image in images if image.group is not None}
    ids = [image.id for image in images]
    return make_splits(ids, ratios, seed=seed, groups=(named, groups or {}), ranks=ranks, classes=classes)


def fill_splits(
    images: Sequence[Image],
    ratios: Mapping[str, float],
    *,
    seed: int = 0,
    ranks: Mapping[int, int] | None = None,
    groups: Mapping[int, str] | None = None,
    classes: Mapping[int, Mapping[int, int]] | None = None,
) -> dict[int, str]:
    """A split for every image that has none. One of a group that is in a split already follows it; the shares
    are those of the rest. ``groups``, ``ranks``, ``classes`` and what is raised as in ``divide_images``."""
    named = {image.id: image.group for image in images if image.group is not None}
    split_of = {image.id: image.split for image in images}
    follow: dict[int, str] = {}
    for bundle in _bundles(split_of, (named, groups or {})):
        taken = next((split for image_id in bundle if (split := split_of[image_id]) is not None), None)
        if taken is not None:
            follow |= {image_id: taken for image_id in bundle if split_of[image_id] is None}
    rest = [image for image in images if image.split is None and image.id not in follow]
    divided = divide_images(rest, ratios, seed=seed, ranks=ranks, groups=groups, classes=classes)
    return {**follow, **divided}


def _bundles(image_ids: Iterable[int], groups: Sequence[Mapping[int, str | None]]) -> list[list[int]]:
    """Images that hang together by any of the groups, each with all of its own."""
    leader: dict[int, int] = {}

    def first_of(image_id: int) -> int:
        while leader[image_id] != image_id:
            leader[image_id] = leader[leader[image_id]]
            image_id = leader[image_id]
        return image_id

    met: dict[tuple[int, str], int] = {}
    for image_id in sorted(set(image_ids)):
        leader[image_id] = image_id
        for number, named in enumerate(groups):
            group = named.get(image_id)
            if group is not None:
                one, other = first_of(met.setdefault((number, group), image_id)), first_of(image_id)
                leader[max(one, other)] = min(one, other)
    bundles: dict[int, list[int]] = {}
    for image_id in leader:
        bundles.setdefault(first_of(image_id), []).append(image_id)
    return list(bundles.values())


def _stratify(
    bundles: Sequence[list[int]], classes: Mapping[int, Mapping[int, int]], weights: Mapping[str, float]
) -> dict[str, list[list[int]]]:
    """The bundles of each split: of the class with the fewest boxes left, the bundles with the most of them first, each to
    the split that lacks most of that class, then to the one that lacks most images."""
    counts = [_counted(classes, bundle) for bundle in bundles]
    shares = {split: weight / sum(weights.values()) for split, weight in weights.items()}
    left: Counter[int] = Counter()
    for count in counts:
        left.update(count)
    lacks = {split: {key: share * total for key, total in left.items()} for split, share in shares.items()}
    images = sum(len(bundle) for bundle in bundles)
    missing = {split: share * images for split, share in shares.items()}
    holders: dict[int, list[int]] = {}
    for row, count in enumerate(counts):
        for key in count:
            holders.setdefault(key, []).append(row)
    assigned: dict[str, list[list[int]]] = {split: [] for split in weights}
    waiting = set(range(len(bundles)))

    def put(row: int, split: str) -> None:
        waiting.discard(row)
        assigned[split].append(bundles[row])
        missing[split] -= len(bundles[row])
        for key, number in counts[row].items():
            lacks[split][key] -= number
            left[key] -= number

    while any(number > 0 for number in left.values()):
        rarest = min((key for key, number in left.items() if number > 0), key=lambda key: (left[key], key))
        rows = [row for row in holders[rarest] if row in waiting]
        for row in sorted(rows, key=lambda row: -counts[row][rarest]):
            put(row, max(weights, key=lambda split: (lacks[split][rarest], missing[split])))
    for row in sorted(waiting):
        put(row, max(weights, key=lambda split: missing[split]))
    _share_with_empty(assigned, dict.fromkeys(weights, 0), missing, weights)
    return assigned


def _counted(classes: Mapping[int, Mapping[int, int]], bundle: Iterable[int]) -> Counter[int]:
    count: Counter[int] = Counter()
    for image_id in bundle:
        count.update(classes.get(image_id, {}))
    return count


def _assign(ranked: list[list[list[int]]], weights: Mapping[str, float]) -> dict[str, list[list[int]]]:
    """The bundles of each split, those of the first rank first; each rank makes up for what the shares lack
    after those before it."""
    assigned: dict[str, list[list[int]]] = {split: [] for split in weights}
    missing = dict.fromkeys(weights, 0.0)
    for bundles in ranked:
        total = sum(len(bundle) for bundle in bundles)
        for split, weight in weights.items():
            missing[split] += total * weight / sum(weights.values())
        before = {split: len(parts) for split, parts in assigned.items()}
        for bundle in bundles:
            split = max(missing, key=lambda name: missing[name])
            assigned[split].append(bundle)
            missing[split] -= len(bundle)
        _share_with_empty(assigned, before, missing, weights)
    _share_with_empty(assigned, dict.fromkeys(weights, 0), missing, weights)
    return assigned


def _share_with_empty(
    assigned: Mapping[str, list[list[int]]],
    before: Mapping[str, int],
    missing: dict[str, float],
    weights: Mapping[str, float],
) -> None:
    """A split that got nothing since ``before`` (a number of bundles) gets one of the split that got most, the
    least that has to go round."""
    got = {split: len(parts) - before[split] for split, parts in assigned.items()}
    for split in sorted(got, key=lambda name: -weights[name]):
        donor = max(got, key=lambda name: got[name])
        if got[split] or got[donor] < 2:
            continue
        bundle = assigned[donor].pop()
        assigned[split].append(bundle)
        for name, change in ((split, 1), (donor, -1)):
            got[name] += change
            missing[name] -= change * len(bundle)
