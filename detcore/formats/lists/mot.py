"""MOTChallenge: ``frame,id,left,top,width,height,considered,class,visibility`` in ``gt/gt.txt`` of a sequence.

Columns as in https://arxiv.org/abs/1603.00831. Edges go into Reticle as they are written: the benchmark counts pixels from 1,
but what trains on it, and CVAT and Datumaro, which write the format, take them from 0. What is not ``considered`` counts
in no evaluation, so it is difficult; a ``visibility`` below 1 means occluded. Frames are images by number, in the folder
that ``seqinfo.ini`` names. Classes are those of ``labels.txt`` beside it, as CVAT writes it, or of the benchmark.
"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from detcore.boxes import Xyxy
from detcore.errors import FormatError
from detcore.formats.base import Dataset, DatasetBox, DatasetImage, Problem, Progress, step
from detcore.formats.common.collect import LARGEST_ID, Gathering
from detcore.formats.common.geometry import Frame
from detcore.formats.common.text import decode, foreign_parts
from detcore.formats.label_rows.reading import DETECTIONS_HINT
from detcore.formats.label_rows.row import BadRow, from_size, numbers
from detcore.formats.losses import Capabilities
from detcore.formats.sniffing import Sample, Sniffed, read_head
from detcore.formats.spec import FormatSpec
from detcore.images.decoding import EXTENSIONS
from detcore.wording import counted

_SUFFIXES = (".txt",)
_CLASSES = (
    "pedestrian",
    "person on vehicle",
    "car",
    "bicycle",
    "motorbike",
    "non motorized vehicle",
    "static person",
    "distractor",
    "occluder",
    "occluder on the ground",
    "occluder full",
    "reflection",
    "crowd",
)
_LAST_NUMBER = re.compile(r"(\d+)\D*$")
_MOST_FRAMES = 10**9


def read_mot(source: Path, *, image_folder: Path | None, progress: Progress) -> tuple[Dataset, list[Problem]]:
    """See :class:`detcore.formats.spec.Reader`."""
    found = Gathering(source, image_folder, progress)
    files = found.files(source, _SUFFIXES)
    truths = files if source.is_file() else [path for path in files if path.name.lower() == "gt.txt"]
    detections = [path for path in files if path.name.lower() == "det.txt"]
    if not set(truths) - set(detections):
        if detections:
            message = "these are detections, not labels of MOTChallenge"
            raise FormatError(message, path=detections[0], hint=DETECTIONS_HINT)
        raise FormatError("no gt.txt of MOTChallenge here", path=source)
    for done, path in enumerate(truths):
        step(progress, done, len(truths))
        _read_sequence(found, path)
    step(progress, len(truths), len(truths))
    return found.dataset(), found.problems


def sniff_mot(sample: Sample) -> Sniffed | None:
    """Whether a file ``gt.txt`` has rows of numbers; ``det.txt`` are detections."""
    return sample.surest(_SUFFIXES, _sniff_file)


def _sniff_file(path: Path) -> Sniffed | None:
    name = path.name.lower()
    if name not in {"gt.txt", "det.txt"}:
        return None
    line = next((line for line in decode(read_head(path))[0].splitlines() if line.strip()), "")
    try:
        _parse(line)
    except BadRow:
        return None
    if name == "det.txt":
        return Sniffed(confidence=0.0, why="these are detections, not labels")
    return Sniffed(confidence=0.97, why="frame,id,left,top,width,height,…")


@dataclass(slots=True, kw_only=True)
class _Shown:
    """One frame of a sequence: its image, the pixels of that, and the boxes."""

    image: Path
    pixels: Frame
    boxes: list[DatasetBox] = field(default_factory=list[DatasetBox])


def _read_sequence(found: Gathering, path: Path) -> None:
    folder = path.parent.parent if path.parent.name.lower() == "gt" else path.parent
    info = _info(found, folder / "seqinfo.ini")
    images = folder.joinpath(*(foreign_parts(info.get("imdir", "img1")) or ("img1",)))
    suffix = info.get("imext", "").lower() if info.get("imext", "").lower() in EXTENSIONS else ".jpg"
    by_number = {
        int(match[1][-9:]): name
        for name in found.finder.images_in(images)
        if (match := _LAST_NUMBER.search(os.path.splitext(name)[0]))
    }
    names = _names(found, path.parent / "labels.txt")
    frames: dict[int, _Shown] = {}
    for number, line in enumerate((found.text(path) or "").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            values = _parse(line)
        except BadRow as error:
            found.problem(path, f"{error}: left out ({line[:60]!r})", number)
            continue
        place = int(values[0])
        frame = frames.get(place)
        if frame is None:
            image = _image(found, folder, images, by_number.get(place), f"{place:06d}{suffix}")
            frame = frames[place] = _Shown(image=image, pixels=found.frame(path, image, _size(info)))
        box = found.clipped(path, from_size(*values[2:6]), frame.pixels, number)
        if box is not None:
            frame.boxes.append(_box(found, values, box, names))
    split = found.folder_split(path)
    for frame in frames.values():
        found.add(
            DatasetImage(
                path=frame.image,
                name="",
                width=frame.pixels.width,
                height=frame.pixels.height,
                split=split,
                labelled=bool(frame.boxes),
                boxes=frame.boxes,
            ),
            path,
        )
    found.add_unlabelled(images)


def _image(found: Gathering, folder: Path, images: Path, name: str | None, usual: str) -> Path:
    """The image of a frame, or where it should be. It may lie elsewhere in a folder of the sequence's name."""
    if name is not None:
        return images / name
    elsewhere = found.finder.anywhere((folder.name, images.name, usual), stem_only=True)
    near = [path for path in elsewhere if folder.name in path.parts]
    return near[0] if len(near) == 1 else images / usual


def _box(found: Gathering, values: list[float], box: Xyxy, names: Mapping[int, str]) -> DatasetBox:
    considered = values[6] if len(values) > 6 else 1.0
    # Of ten columns, as in the year 2015, the last three are a place in the world.
    class_id = int(values[7]) if 7 < len(values) < 10 and 0 < values[7] < LARGEST_ID else 1
    visibility = values[8] if len(values) == 9 else 1.0
    name = names.get(class_id)
    label = found.classes.placeholder(class_id) if name is None else found.classes.add(name, class_id)
    return DatasetBox(
        label=label,
        x1=box[0],
        y1=box[1],
        x2=box[2],
        y2=box[3],
        difficult=considered == 0,
        occluded=0 <= visibility < 1,
        extra={"mot": {"id": values[1], "visibility": visibility}},
    )


def _parse(line: str) -> list[float]:
    """The columns: six at least, the first of them the number of a frame.

    Raises:
        BadRow: they are not.
    """
    columns = numbers([column.strip() for column in line.strip().rstrip(",").split(",")])
    if not 6 <= len(columns) <= 10:
        raise BadRow(f"{counted(len(columns), 'column')} where MOTChallenge has 9")
    if not (0 <= columns[0] < _MOST_FRAMES and columns[0].is_integer()):
        raise BadRow("the first column is no number of a frame")
    return columns


def _info(found: Gathering, path: Path) -> Mapping[str, str]:
    """The keys of ``[Sequence]``, in lower case; none where there is no such file."""
    if not path.is_file():
        return {}
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(found.text(path) or "")
    except configparser.Error as error:
        found.problem(path, f"cannot be read ({str(error).splitlines()[0]})")
        return {}
    section = next((name for name in parser.sections() if name.lower() == "sequence"), None)
    return {} if section is None else dict(parser.items(section))


def _size(info: Mapping[str, str]) -> tuple[int, int] | None:
    sides = [info.get("imwidth", ""), info.get("imheight", "")]
    if not all(side.isascii() and side.isdigit() and 0 < len(side) < 7 for side in sides):
        return None
    width, height = map(int, sides)
    return (width, height) if width and height else None


def _names(found: Gathering, path: Path) -> dict[int, str]:
    """The names of classes by number, from 1."""
    if not path.is_file():
        return dict(enumerate(_CLASSES, start=1))
    lines = (found.text(path) or "").splitlines()
    return {number: line.strip() for number, line in enumerate(lines, start=1) if line.strip()}


MOT = FormatSpec(
    name="mot",
    title="MOTChallenge",
    kind="text",
    text="One text file a sequence of frames.",
    suffixes=_SUFFIXES,
    sniff=sniff_mot,
    reader=read_mot,
    capabilities=Capabilities(difficult=True, occluded=True, splits=True, sizes=True, class_ids=True),
)
