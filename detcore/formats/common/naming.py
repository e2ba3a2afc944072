"""File names that stay distinct when folders are flattened."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from detcore.formats.common.text import foreign_parts, split_of_folder


def unique_names(
    names: Sequence[str], *, extensions: dict[str, str] | None = None, reserved: Iterable[str] = ()
) -> list[str]:
    """A file name with a stem of its own for each posix relative path, in the order given.

    A stem that occurs once is kept. Otherwise the subfolders are put before it, joined by ``__``; where
    that is not enough the extension joins it (``a.jpg`` and ``a.png`` become ``a_jpg`` and ``a_png``),
    then a number. Case does not make stems distinct, for the sake of Windows and macOS.
    ``extensions`` maps extensions (lower case, with dot) to the ones to write; no item gets one of the
    ``reserved`` stems.
    """
    replaced = extensions or {}
    stems = [os.path.splitext(name.rsplit("/", 1)[-1])[0] for name in names]
    long_stems = [os.path.splitext(name)[0].replace("/", "__") for name in names]
    with_extension = [
        f"{stem}_{os.path.splitext(name)[1].lstrip('.')}"
        for stem, name in zip(long_stems, names, strict=True)
    ]
    result = _first_distinct([stems, long_stems, with_extension], reserved)
    suffixes = [os.path.splitext(name)[1] for name in names]
    return [
        stem + replaced.get(suffix.lower(), suffix) for stem, suffix in zip(result, suffixes, strict=True)
    ]


def _first_distinct(proposals: Sequence[Sequence[str]], reserved: Iterable[str]) -> list[str]:
    """For each item its first proposal that no other item of the same round shares, else a numbered one."""
    result: list[str | None] = [None] * len(proposals[0])
    taken = {stem.casefold() for stem in reserved}
    for proposal in proposals:
        open_items = [index for index, stem in enumerate(result) if stem is None]
        counts = Counter(proposal[index].casefold() for index in open_items)
        for index in open_items:
            key = proposal[index].casefold()
            if counts[key] == 1 and key not in taken:
                result[index] = proposal[index]
                taken.add(key)
    for index, stem in enumerate(result):
        if stem is None:
            result[index] = _numbered(proposals[-1][index], taken)
    return [stem or "" for stem in result]


def _numbered(stem: str, taken: set[str]) -> str:
    number = 2
    while f"{stem}_{number}".casefold() in taken:
        number += 1
    taken.add(f"{stem}_{number}".casefold())
    return f"{stem}_{number}"


def kept_or_unique(
    kept: Sequence[Any], names: Sequence[str], folders: Sequence[str], *, copied: bool = True
) -> list[str]:
    """Where each image goes below its folder: by the name that an import has ``kept`` for it, where all of these
    are such names and stay distinct, else by that of :func:`unique_names`. Without copies all names are those of
    the originals."""
    if not copied:
        return list(names)
    unique = unique_names(names)
    proposed = [
        item if isinstance(item, str) and item and "/".join(foreign_parts(item)) == item else name
        for item, name in zip(kept, unique, strict=True)
    ]
    places = {(folder, name.casefold()) for folder, name in zip(folders, proposed, strict=True)}
    return proposed if len(places) == len(proposed) else unique


def kept_subset(kept: Any, split: str | None) -> str:
    """The name of the part of a dataset that an image of a split belongs to: as an import has ``kept`` it where that
    still means the split, else the split; "" for none."""
    is_name = isinstance(kept, str) and kept not in {".", ".."} and not any(mark in kept for mark in "/\\:")
    return kept if is_name and kept and split_of_folder((kept,)) == split else split or ""
