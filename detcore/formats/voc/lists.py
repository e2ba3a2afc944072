"""The lists of a VOC dataset: which stem belongs to which split, and the label map."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from detcore.formats.base import Problem
from detcore.formats.common.staging import read_marker
from detcore.formats.common.text import decode, is_list_of_all, read_bytes, split_of_folder
from detcore.images.decoding import EXTENSIONS
from detcore.types import SPLITS

UNDIVIDED = "undivided"
"""Noted by an export of ours none of whose images has a split, whatever list they are in."""
_CLASS_MARKS = (" -1", " 0", " 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitLists:
    """Splits by stem (or by path below ``Annotations``), with the place where each stem is listed. Lists of
    file names count as well, unless a stem is called like that."""

    by_stem: dict[str, str] = field(default_factory=dict[str, str])
    _listed_as: dict[str, str] = field(default_factory=dict[str, str])
    _places: dict[str, tuple[Path, int]] = field(default_factory=dict[str, tuple[Path, int]])
    _met: set[str] = field(default_factory=set[str])
    _problems: list[Problem] = field(default_factory=list[Problem])

    def __len__(self) -> int:
        return len(self.by_stem)

    @classmethod
    def read(cls, base: Path) -> SplitLists:
        """The lists in ``base/ImageSets/Main``.

        ``trainval`` only counts for stems that no other list names: they go to ``val`` when there is a
        list ``train``, else to ``train``. Lists of single classes (``cat_train.txt``) are passed over. So are
        those of an export of ours whose images have no split.
        """
        lists = cls()
        if any((read_marker(home) or {}).get(UNDIVIDED) is True for home in base.parents[1:2]):
            return lists
        folder = base / "ImageSets" / "Main"
        if not folder.is_dir():
            folder = base / "ImageSets"
        files = sorted(folder.glob("*.txt")) if folder.is_dir() else []
        named = {path: split_of_folder((path.stem,)) for path in files}
        files.sort(key=lambda path: SPLITS.index(named[path] or SPLITS[-1]))
        for path in files:
            split = named[path]
            if split is not None:
                lists._read_list(path, split)
            elif path.stem.lower() != "trainval" and "_" not in path.stem and not is_list_of_all(path.stem):
                lists._problems.append(Problem(path=path, message="a list of no known split: passed over"))
        for path in files:
            if path.stem.lower() == "trainval":
                splits = set(named.values())
                if not {"train", "val"} <= splits:
                    lists._read_list(path, "val" if "train" in splits else "train")
        for listed, split in list(lists.by_stem.items()):
            stem, suffix = os.path.splitext(listed)
            if suffix.lower() in EXTENSIONS and lists.by_stem.setdefault(stem, split) == split:
                lists._listed_as[stem] = listed
        return lists

    def find(self, path: str, stem: str) -> str | None:
        """The split of an annotation, by its path below the folder or by its bare stem."""
        for key in (path, stem):
            if key in self.by_stem:
                self._met.update((key, self._listed_as.get(key, key)))
                return self.by_stem[key]
        return None

    def problems(self) -> list[Problem]:
        """What is odd about the lists, with the stems that :meth:`find` was never asked for."""
        unmet = [
            Problem(
                path=path, line=line, message=f"{stem!r} is listed, but there is no annotation of that name"
            )
            for stem, (path, line) in self._places.items()
            if stem not in self._met
        ]
        return [*self._problems, *unmet]

    def _read_list(self, path: Path, split: str) -> None:
        for line, text in enumerate(decode(read_bytes(path))[0].splitlines(), start=1):
            stem = text.strip()
            for mark in _CLASS_MARKS:
                stem = stem.removesuffix(mark)
            stem = stem.strip().strip('"')
            if not stem:
                continue
            earlier = self.by_stem.get(stem)
            if earlier is None:
                self.by_stem[stem] = split
                self._places[stem] = (path, line)
            elif earlier != split and path.stem.lower() != "trainval":
                message = f"{stem!r} is in the list {earlier!r} as well: stays there"
                self._problems.append(Problem(path=path, line=line, message=message))


def read_label_map(folders: Sequence[Path]) -> list[str]:
    """Class names of the first ``labelmap.txt`` (CVAT's ``name:color:parts:actions``) in these folders.

    The background is no class.
    """
    for folder in folders:
        path = folder / "labelmap.txt"
        if not path.is_file():
            continue
        names: list[str] = []
        for text in decode(read_bytes(path))[0].splitlines():
            if not text.strip() or text.startswith("#"):
                continue
            name = text.rsplit(":", 3)[0].strip()
            if name and name != "background":
                names.append(name)
        return names
    return []
