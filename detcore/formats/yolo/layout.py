"""Where the images and the label files of a YOLO dataset are."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from detcore.errors import FormatError
from detcore.formats.common.collect import Gathering
from detcore.formats.common.locate import common_root, plain_folder
from detcore.formats.common.text import decode, foreign_parts, read_bytes, split_of_folder, tails
from detcore.formats.common.walking import is_never_walked
from detcore.formats.yolo.names import (
    NAME_FILES,
    NameList,
    YoloConfig,
    names_file,
    read_darknet,
    read_names,
    read_yaml,
)
from detcore.images.decoding import EXTENSIONS
from detcore.wording import counted

_LABEL_FOLDERS = {"images": ("labels", "annotations"), "jpegimages": ("labels",)}
_SPLIT_LISTS = frozenset({"train", "val", "valid", "test", "trainval", "autosplit_train", "autosplit_val"})


_SPLIT_FOLDERS = ("train", "val", "valid", "validation", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An image (which may not exist), its label file (``None`` where there is none) and its split."""

    image: Path
    labels: Path | None
    split: str | None


def find_config(source: Path, found: Gathering) -> YoloConfig | None:
    """The ``data.yaml`` or ``obj.data`` at or in ``source``; broken ones are reported.

    Raises:
        FormatError: ``source`` itself is such a file and cannot be read.
    """
    if source.is_file():
        return read_darknet(source) if source.suffix.lower() == ".data" else read_yaml(source)
    candidates = sorted(
        path
        for path in source.iterdir()
        if path.is_file() and path.suffix.lower() in {".yaml", ".yml", ".data"}
    )
    candidates.sort(key=lambda path: path.stem.lower() not in {"data", "dataset", "obj"})
    for path in candidates:
        try:
            config = read_darknet(path) if path.suffix.lower() == ".data" else read_yaml(path)
        except FormatError as error:
            found.problem(path, error.message, error.line)
            continue
        if config.names or config.splits:
            return config
    return None


def names_around(image_folder: Path | None, found: Gathering) -> NameList | None:
    """Class names for label files that have none with them: a folder ``labels`` is often imported alone, while
    ``data.yaml`` lies above it or with the images."""
    with_images = [] if image_folder is None else [image_folder, image_folder.parent]
    above = list(found.folder.parents)[:2]
    for folder in dict.fromkeys([*above[:1], *with_images, *above[1:]]):
        config = find_config(folder, found) if folder.is_dir() else None
        if config is not None and config.names:
            return NameList(path=config.path, names=config.names, messages=config.messages)
        path = names_file(folder)
        if path is not None:
            return read_names(path)
    return None


def find_entries(
    config: YoloConfig | None, found: Gathering, *, of_known_split: Collection[Path] = ()
) -> list[Entry]:
    """The images of the configuration's splits; without any, all images and labels below the source. Of images
    ``of_known_split``, which an export of ours has noted, it is not told when several splits name them."""
    entries: dict[Path, Entry] = {}
    if config is not None:
        for split, values in config.splits.items():
            shared = 0
            for value in values:
                for entry in _entries_of(config, split, value, found):
                    known = entries.setdefault(entry.image, entry)
                    shared += known.split != split and entry.image not in of_known_split
            if shared:
                found.problem(
                    config.path,
                    f"{counted(shared, 'image is', 'images are')} in “{split}” and an earlier split: left in that one",
                )
    return _each_with_its_own(list(entries.values()) or _scan(found), found)


def _each_with_its_own(entries: list[Entry], found: Gathering) -> list[Entry]:
    """The entries with each label file in use once: by the image whose place says most clearly that it is meant,
    by none where several folders have such an image."""
    users: dict[Path, list[Path]] = {}
    for entry in entries:
        if entry.labels is not None:
            users.setdefault(entry.labels, []).append(entry.image)
    owners: dict[Path, Path] = {}
    for labels, images in users.items():
        if len(images) == 1:
            owners[labels] = images[0]
            continue
        clearest = min(_vagueness(image, labels) for image in images)
        meant = [image for image in images if _vagueness(image, labels) == clearest]
        if len({image.parent for image in meant}) > 1:
            found.ambiguous(labels, labels.stem, meant)
            continue
        owners[labels] = meant[0]
        for image in images:
            if image != meant[0]:
                found.problem(image, "another image of that name has the label file: taken without it")
    return [
        entry
        if entry.labels is None or owners.get(entry.labels) == entry.image
        else replace(entry, labels=None)
        for entry in entries
    ]


def _vagueness(image: Path, labels: Path) -> int:
    """The place of a label file among those where it may be for an image."""
    places = list(_label_folders(image.parent))
    return places.index(labels.parent) if labels.parent in places else len(places)


def _entries_of(config: YoloConfig, split: str, value: str, found: Gathering) -> Iterator[Entry]:
    target = _existing(config, split, value)
    if target is None:
        found.problem(config.path, f"“{split}” names {value[:100]}, which does not exist")
    elif not os.path.isdir(target):
        yield from _listed_in(target, [target.parent, config.base, config.path.parent], split, found)
    elif is_never_walked(target) and target != found.folder:
        found.problem(config.path, f"“{split}” names {value[:100]}, a whole disk or home: not looked through")
    else:
        for image in found.files(target, tuple(EXTENSIONS)):
            yield Entry(image=image, labels=labels_of(image), split=split)


def _existing(config: YoloConfig, split: str, value: str) -> Path | None:
    """The folder or list that a configuration means, though it may have been moved or written elsewhere."""
    written = config.base / os.path.expanduser(value.replace("\\", "/"))
    if os.path.isdir(written):
        return plain_folder(written)
    if os.path.isfile(written):
        return plain_folder(written.parent) / written.name
    for base in (config.base, config.path.parent):
        for place in (base.joinpath(*tail) for tail in tails(foreign_parts(value))):
            if os.path.isdir(place) or os.path.isfile(place):
                return place
    spellings = [name for name in _SPLIT_FOLDERS if split_of_folder((name,)) == split]
    folders = [config.base / part for name in spellings for part in (f"{name}/images", f"images/{name}")]
    return next((folder for folder in folders if folder.is_dir()), None)


def _listed_in(path: Path, bases: list[Path], split: str, found: Gathering) -> Iterator[Entry]:
    """The images of a list: one path a line."""
    try:
        text, complaint = decode(read_bytes(path))
    except FormatError as error:
        text, complaint = "", error.message
    if complaint is not None:
        found.problem(path, complaint)
    for number, line in enumerate(text.splitlines(), start=1):
        parts = foreign_parts(line.strip())
        if not parts:
            continue
        if os.path.splitext(parts[-1])[1].lower() not in EXTENSIONS:
            found.problem(path, f"{parts[-1][:100]} is no image: left out", number)
            continue
        places = [base.joinpath(*tail) for base in dict.fromkeys(bases) for tail in tails(parts)]
        near = (found.finder.by_name(place.parent, place.name) for place in places)
        image = next((image for image in near if image is not None), None)
        if image is not None:
            yield Entry(image=image, labels=labels_of(image), split=split)
            continue
        images = found.elsewhere(path.parent, line.strip())
        if len(images) > 1:
            found.ambiguous(path, "/".join(parts), images, number)
            continue
        # The label file may lie where the list says that the image is.
        beside = (labels for place in (*places, *images) if (labels := labels_of(place)) is not None)
        labels = next(beside, None)
        if images or labels is not None:
            expected = bases[0].joinpath(*parts)
            yield Entry(image=images[0] if images else expected, labels=labels, split=split)
        else:
            found.problem(path, f"{line.strip()[:100]} does not exist: left out", number)


def labels_of(image: Path) -> Path | None:
    """The label file of an image: ``images`` in its path replaced by ``labels``, or beside it, or in a
    folder ``labels`` beside it or one level up."""
    name = image.stem + ".txt"
    for folder in _label_folders(image.parent):
        path = folder / name
        if os.path.isfile(path) and path.name.lower() not in NAME_FILES:
            return path
    return None


def _label_folders(folder: Path) -> Iterator[Path]:
    parts = folder.parts
    for index in range(len(parts) - 1, -1, -1):
        swaps = _LABEL_FOLDERS.get(parts[index].lower())
        if swaps is not None:
            for swap in swaps:
                for spelling in (swap, swap.capitalize()):
                    yield Path(*parts[:index], spelling, *parts[index + 1 :])
            break
    yield folder
    yield folder / "labels"
    yield folder.parent / "labels"
    yield folder.parent / "labels" / folder.name


def _scan(found: Gathering) -> list[Entry]:
    """All images below the source, and the label files whose image lies elsewhere."""
    entries: dict[Path, Entry] = {}
    used: set[Path] = set()
    for image in found.files(found.folder, tuple(EXTENSIONS)):
        labels = labels_of(image)
        if labels is not None:
            used.add(labels)
        entries[image] = Entry(image=image, labels=labels, split=found.folder_split(image))
    for labels in found.files(found.folder, (".txt",)):
        if labels in used or not looks_like_labels(labels):
            continue
        parts = labels.relative_to(found.folder).with_suffix(".x").parts
        images = found.finder.anywhere((found.folder.name, *parts), stem_only=True)
        if len(images) > 1:
            found.ambiguous(labels, labels.stem, images)
            continue
        image = images[0] if images else None
        known = entries.get(image) if image is not None else None
        if image is None or (known is not None and known.labels is not None):
            found.problem(labels, "no image belongs to this label file: left out")
            continue
        split = found.folder_split(labels) or (known.split if known else None)
        entries[image] = Entry(image=image, labels=labels, split=split)
    elsewhere = [path for path in entries if not path.is_relative_to(found.folder)]
    for entry in _without_labels(elsewhere, found):
        entries.setdefault(entry.image, entry)
    return list(entries.values())


def _without_labels(labelled: list[Path], found: Gathering) -> Iterator[Entry]:
    """All images below the deepest folder of those that labels were found for elsewhere."""
    if labelled:
        root = common_root(labelled, labelled[0].parent)
        for image in found.files(root, tuple(EXTENSIONS)):
            split = split_of_folder(image.parent.relative_to(root).parts)
            yield Entry(image=image, labels=None, split=split)


def looks_like_labels(path: Path) -> bool:
    """Whether a text file may hold labels: it is empty, or its first line starts with five numbers."""
    if path.name.lower() in NAME_FILES or path.stem.lower() in _SPLIT_LISTS:
        return False
    with path.open("rb") as file:
        head = file.read(512).split(b"\n")
    first = next((line.split() for line in head if line.strip()), None)
    if first is None:
        return True
    try:
        return len([float(value) for value in first[1:5]]) == 4
    except ValueError:
        return False
