"""The list that keras-yolo3 and its successors train from: an image a line, ``path x1,y1,x2,y2,class …``.

Edges in pixels, continuous; a class is a number in a list of names beside it, ``…classes.txt``. A line that is a path alone
is an image without objects.
"""

from __future__ import annotations

import re
from pathlib import Path

from detcore.errors import FormatError
from detcore.formats.base import Dataset, DatasetBox, DatasetImage, Problem, Progress, step
from detcore.formats.common.collect import LARGEST_ID, Gathering
from detcore.formats.common.text import decode, split_of_file
from detcore.formats.losses import Capabilities
from detcore.formats.sniffing import Sample, Sniffed, read_head
from detcore.formats.spec import FormatSpec
from detcore.images.decoding import EXTENSIONS

_SUFFIXES = (".txt",)
_NUMBER = r"-?\d+(?:\.\d+)?"
_BOX = re.compile(rf"{_NUMBER}(?:,{_NUMBER}){{3}},\d+")
_STEP = 256


def read_keras_yolo(
    source: Path, *, image_folder: Path | None, progress: Progress
) -> tuple[Dataset, list[Problem]]:
    """See :class:`detcore.formats.spec.Reader`."""
    found = Gathering(source, image_folder, progress)
    lines: list[tuple[Path, int, str, list[str]]] = []
    for path in found.files(source, _SUFFIXES):
        told = list(enumerate((found.text(path) or "").splitlines(), start=1))
        rows = [(path, number, *_parts(line)) for number, line in told if line.strip()]
        if any(_BOX.fullmatch(box) for *_, boxes in rows for box in boxes):
            lines += rows
    if not lines:
        raise FormatError("no line here is a path with boxes x1,y1,x2,y2,class", path=source)
    labels = _classes(found, {path.parent for path, *_ in lines})
    for done, (path, number, name, boxes) in enumerate(lines):
        if done % _STEP == 0:
            step(progress, done, len(lines))
        _read(found, path, number, name, boxes, labels)
    found.add_unlabelled_beside()
    step(progress, len(lines), len(lines))
    return found.dataset(), found.problems


def sniff_keras_yolo(sample: Sample) -> Sniffed | None:
    """Whether the first line of a text file is an image with boxes."""
    return sample.surest(_SUFFIXES, _sniff_file)


def _sniff_file(path: Path) -> Sniffed | None:
    lines = decode(read_head(path))[0].splitlines()
    name, boxes = _parts(next((line for line in lines if line.strip()), ""))
    if boxes and _is_image(name) and all(map(_BOX.fullmatch, boxes)):
        return Sniffed(confidence=0.97, why="paths of images with x1,y1,x2,y2,class")
    return None


def _parts(line: str) -> tuple[str, list[str]]:
    """The path, which may have blanks, and what stands behind it."""
    words = line.split()
    end = next((place for place, word in enumerate(words, start=1) if _is_image(word)), len(words))
    return " ".join(words[:end]), words[end:]


def _is_image(word: str) -> bool:
    return Path(word).suffix.lower() in EXTENSIONS


def _classes(found: Gathering, folders: set[Path]) -> dict[int, int]:
    """The class of each number in the first list of names."""
    lists = sorted(path for folder in folders for path in folder.glob("*classes*.txt"))
    names = [name.strip() for path in lists[:1] for name in (found.text(path) or "").splitlines()]
    return {number: found.classes.add(name, number) for number, name in enumerate(names) if name}


def _read(
    found: Gathering, path: Path, number: int, name: str, boxes: list[str], labels: dict[int, int]
) -> None:
    homes = [path.parent, path.parent / "images"]
    image = found.named(path, name, homes, expected=path.parent, line=number)
    if image is None:
        return
    frame = found.frame(path, image, None)
    read: list[DatasetBox] = []
    for text in boxes:
        if not _BOX.fullmatch(text) or len(text) > 200:
            found.problem(path, f"{text[:60]!r} is not x1,y1,x2,y2,class: left out", number)
            continue
        *edges, last = text.split(",")
        class_id = int(last)
        x1, y1, x2, y2 = map(float, edges)
        if class_id > LARGEST_ID:
            found.problem(path, "a class has a number beyond all measure: left out", number)
            continue
        box = found.clipped(path, (x1, y1, x2, y2), frame, number)
        if box is None:
            continue
        if class_id not in labels:
            labels[class_id] = found.classes.placeholder(class_id)
            found.problem(path, f"no list of names has the class {class_id}", number)
        read.append(DatasetBox(label=labels[class_id], x1=box[0], y1=box[1], x2=box[2], y2=box[3]))
    found.add(
        DatasetImage(
            path=image,
            name="",
            width=frame.width,
            height=frame.height,
            split=split_of_file(path.stem) or found.folder_split(image),
            labelled=bool(read) or not boxes,
            verified=not boxes,
            boxes=read,
        ),
        path,
    )


KERAS_YOLO = FormatSpec(
    name="keras-yolo3",
    title="keras-yolo3",
    kind="text",
    text="One line an image.",
    suffixes=_SUFFIXES,
    sniff=sniff_keras_yolo,
    reader=read_keras_yolo,
    capabilities=Capabilities(verified_empty=True, splits=True, class_ids=True),
)
