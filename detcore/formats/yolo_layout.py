"""Where the images and the label files of a YOLO dataset are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from detcore.errors import FormatError
from detcore.formats.collect import Gathering, files_below
from detcore.formats.locate import common_root, plain_folder
from detcore.formats.text import decode, foreign_parts, read_bytes, split_of_folder
from detcore.formats.yolo_names import (
    NAME_FILES,
    YoloConfig,
    names_file,
    read_darknet,
    read_names,
    read_yaml,
)
from detcore.images import EXTENSIONS

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


def names_around(image_folder: Path | None, found: Gathering) -> tuple[Path, dict[int, str]] | None:
    """Class names by id for label files that have none with them, and the file that they are from: a folder
    ``labels`` is often imported alone, while ``data.yaml`` lies above it or with the images."""
    with_images = [] if image_folder is None else [image_folder, image_folder.parent]
    above = list(found.folder.parents)[:2]
    for folder in dict.fromkeys([*above[:1], *with_images, *above[1:]]):
        config = find_config(folder, found) if folder.is_dir() else None
        if config is not None and config.names:
            return config.path, config.names
        path = names_file(folder)
        if path is not None:
            return path, read_names(path)
    return None


def find_entries(config: YoloConfig | None, found: Gathering) -> list[Entry]:
    """The images of the configuration's splits; without any, all images and labels below the source."""
    entries: dict[Path, Entry] = {}
    if config is not None:
        for split, values in config.splits.items():
            shared = 0
            for value in values:
                for entry in _entries_of(config, split, value, found):
                    known = entries.setdefault(entry.image, entry)
                    shared += known.split != split
            if shared:
                found.problem(
                    config.path, f"{shared:,} images of “{split}” are in an earlier split: they stay there"
                )
    return list(entries.values()) or _scan(found)


def _entries_of(config: YoloConfig, split: str, value: str, found: Gathering) -> Iterator[Entry]:
    target = _existing(config, split, value)
    if target is None:
        found.problem(config.path, f"“{split}” names {value}, which does not exist")
    elif target.is_dir():
        for image in files_below(target, tuple(EXTENSIONS)):
            yield Entry(image=image, labels=labels_of(image), split=split)
    else:
        for text in decode(read_bytes(target))[0].splitlines():
            parts = foreign_parts(text.strip())
            if parts:
                yield _listed(parts, [target.parent, config.base, config.path.parent], split, found)


def _existing(config: YoloConfig, split: str, value: str) -> Path | None:
    """The folder or list that a configuration means, though it may have been moved or written elsewhere."""
    written = config.base / Path(value.replace("\\", "/")).expanduser()
    if written.is_dir():
        return plain_folder(written)
    if written.exists():
        return plain_folder(written.parent) / written.name
    for base in (config.base, config.path.parent):
        for tail in _tails(foreign_parts(value)):
            if base.joinpath(*tail).exists():
                return base.joinpath(*tail)
    spellings = [name for name in _SPLIT_FOLDERS if split_of_folder((name,)) == split]
    folders = [config.base / part for name in spellings for part in (f"{name}/images", f"images/{name}")]
    return next((folder for folder in folders if folder.is_dir()), None)


def _tails(parts: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for start in range(len(parts)):
        yield parts[start:]


def _listed(parts: tuple[str, ...], bases: list[Path], split: str, found: Gathering) -> Entry:
    """One line of a list of images. The image may lie elsewhere than its label file."""
    expected: Entry | None = None
    for base in dict.fromkeys(bases):
        for *folders, name in _tails(parts):
            image = found.finder.by_name(base.joinpath(*folders), name)
            if image is not None:
                return Entry(image=image, labels=labels_of(image), split=split)
            path = base.joinpath(*folders, name)
            labels = labels_of(path)
            if expected is None and labels is not None:
                expected = Entry(image=path, labels=labels, split=split)
    image = found.finder.anywhere(parts)
    if image is not None:
        labels = expected.labels if expected else labels_of(image)
        return Entry(image=image, labels=labels, split=split)
    return expected or Entry(image=bases[0].joinpath(*parts), labels=None, split=split)


def labels_of(image: Path) -> Path | None:
    """The label file of an image: ``images`` in its path replaced by ``labels``, or beside it, or in a
    folder ``labels`` beside it or one level up."""
    name = image.stem + ".txt"
    for folder in _label_folders(image.parent):
        path = folder / name
        if path.is_file() and path.name.lower() not in NAME_FILES:
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
    for image in files_below(found.folder, tuple(EXTENSIONS)):
        labels = labels_of(image)
        if labels in used:
            found.problem(image, "another image of that name has the label file: taken without it")
            labels = None
        if labels is not None:
            used.add(labels)
        entries[image] = Entry(image=image, labels=labels, split=found.folder_split(image))
    for labels in files_below(found.folder, (".txt",)):
        if labels in used or not looks_like_labels(labels):
            continue
        image = found.finder.anywhere((labels.parent.name, labels.stem + ".x"), stem_only=True)
        known = entries.get(image) if image is not None else None
        if image is None or (known is not None and known.labels is not None):
            found.problem(labels, "no image belongs to this label file: left out")
            continue
        split = found.folder_split(labels) or (known.split if known else None)
        entries[image] = Entry(image=image, labels=labels, split=split)
    for entry in _without_labels([path for path in entries if not path.is_relative_to(found.folder)]):
        entries.setdefault(entry.image, entry)
    return list(entries.values())


def _without_labels(labelled: list[Path]) -> Iterator[Entry]:
    """All images below the deepest folder of those that labels were found for elsewhere."""
    if labelled:
        root = common_root(labelled, labelled[0].parent)
        for image in files_below(root, tuple(EXTENSIONS)):
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
