"""Dividing images into splits."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence

from detcore.errors import ConfigError
from detcore.types import Image


def make_splits(
    image_ids: Iterable[int],
    ratios: Mapping[str, float],
    *,
    seed: int = 0,
    groups: Mapping[int, str | None] | None = None,
    ranks: Mapping[int, int] | None = None,
) -> dict[int, str]:
    """A split for every image, the same for the same seed whatever the order of ``image_ids``.

    ``ratios`` are weights, such as ``{"train": 0.8, "val": 0.2}``. Images of one group (frames of a
    video, photos of a patient) stay together, so that no split holds the neighbours of another's images.
    As long as there are enough groups, no split with a weight stays empty.

    ``ranks`` say which images matter most (0 first, which is also that of images without one): those of each
    rank are divided by the shares for themselves, so that a few images with boxes among many without do not
    all end up in one split. When there are too few for all splits, those with the greatest weight get theirs
    first.

    Raises:
        ConfigError: a weight is negative or not a number, or none is positive.
    """
    weights = {split: float(weight) for split, weight in ratios.items()}
    if any(not math.isfinite(weight) or weight < 0 for weight in weights.values()):
        raise ConfigError(f"the shares of the splits must be numbers from 0: {weights}")
    weights = {split: weight for split, weight in weights.items() if weight > 0}
    if not weights:
        raise ConfigError("at least one split needs a share above 0")
    bundles = _bundles(image_ids, groups or {})
    random.Random(seed).shuffle(bundles)
    bundles.sort(key=len, reverse=True)  # large groups first: the small ones then even things out
    by_rank: dict[int, list[list[int]]] = {}
    for bundle in bundles:
        rank = min((ranks or {}).get(image_id, 0) for image_id in bundle)
        by_rank.setdefault(rank, []).append(bundle)
    assigned = _assign([by_rank[rank] for rank in sorted(by_rank)], weights)
    return {image_id: split for split, parts in assigned.items() for part in parts for image_id in part}


def divide_images(
    images: Sequence[Image],
    ratios: Mapping[str, float],
    *,
    seed: int = 0,
    ranks: Mapping[int, int] | None = None,
) -> dict[int, str]:
    """A split for every image by id, whatever split it has now. ``ranks`` and what is raised as in
    ``make_splits``."""
    groups = {image.id: image.group for image in images if image.group is not None}
    return make_splits((image.id for image in images), ratios, seed=seed, groups=groups, ranks=ranks)


def fill_splits(
    images: Sequence[Image],
    ratios: Mapping[str, float],
    *,
    seed: int = 0,
    ranks: Mapping[int, int] | None = None,
) -> dict[int, str]:
    """A split for every image that has none. One of a group that is in a split already follows it; the shares
    are those of the rest. ``ranks`` and what is raised as in ``make_splits``."""
    taken = {image.group: image.split for image in images if image.group is not None and image.split}
    free = [image for image in images if image.split is None]
    follow = {image.id: taken[image.group] for image in free if image.group in taken}
    rest = [image for image in free if image.id not in follow]
    return {**follow, **divide_images(rest, ratios, seed=seed, ranks=ranks)}


def _bundles(image_ids: Iterable[int], groups: Mapping[int, str | None]) -> list[list[int]]:
    bundles: dict[tuple[str, int | str], list[int]] = {}
    for image_id in sorted(set(image_ids)):
        group = groups.get(image_id)
        bundles.setdefault(("image", image_id) if group is None else ("group", group), []).append(image_id)
    return list(bundles.values())


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
