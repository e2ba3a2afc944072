"""WIDER FACE: the name of an image, the number of its faces, and a line ``x y w h`` and six attributes for each.

As the readme of ``wider_face_split`` has it: whole pixels, here continuous edges from ``x`` to ``x + w``. An image of 0 faces
has one line of zeros. ``invalid`` faces are not evaluated, so they are difficult; ``occlusion`` 1 and 2 mean occluded.
Images lie in ``WIDER_train/images`` beside the folder of the lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from detcore.errors import FormatError
from detcore.formats.base import Dataset, DatasetBox, DatasetImage, Problem, Progress, step
from detcore.formats.common.collect import Gathering
from detcore.formats.common.text import decode, split_of_file
from detcore.formats.label_rows.row import BadRow, from_size, numbers
from detcore.formats.losses import Capabilities
from detcore.formats.sniffing import Sample, Sniffed, read_head
from detcore.formats.spec import FormatSpec
from detcore.images.decoding import EXTENSIONS
from detcore.wording import counted

_SUFFIXES = (".txt",)
_ATTRIBUTES = ("blur", "expression", "illumination", "invalid", "occlusion", "pose")
_FACE = "face"
_STEP = 256

Line = tuple[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """The lines of one image; ``count`` is how many faces it should have, ``None`` where no number says so."""

    name: Line
    count: int | None
    rows: Sequence[Line]


def read_wider_face(
    source: Path, *, image_folder: Path | None, progress: Progress
) -> tuple[Dataset, list[Problem]]:
    """See :class:`detcore.formats.spec.Reader`."""
    found = Gathering(source, image_folder, progress)
    blocks: list[tuple[Path, _Block]] = []
    for path in found.files(source, _SUFFIXES):
        text = found.text(path)
        told = list(_blocks(text or ""))
        if any(block.count is not None for block in told):
            blocks += [(path, block) for block in told]
        elif text is not None:
            found.problem(path, "no list of WIDER FACE: passed over")
    if not blocks:
        raise FormatError("no list of WIDER FACE here: an image, a number, and so many boxes", path=source)
    for done, (path, block) in enumerate(blocks):
        if done % _STEP == 0:
            step(progress, done, len(blocks))
        image = _image(found, path, block)
        if image is not None:
            found.add(image, path)
    found.add_unlabelled_beside()
    step(progress, len(blocks), len(blocks))
    return found.dataset(), found.problems


def sniff_wider_face(sample: Sample) -> Sniffed | None:
    """Whether a text file begins with an image, a number and a row of a box."""
    return sample.surest(_SUFFIXES, _sniff_file)


def _sniff_file(path: Path) -> Sniffed | None:
    lines = [line.strip() for line in decode(read_head(path))[0].splitlines()[:3]]
    if len(lines) < 3 or not _is_image(lines[0]) or _count(lines[1]) is None:
        return None
    try:
        return Sniffed(confidence=0.97, why="an image, a number and boxes") if _box(lines[2]) else None
    except BadRow:
        return None


def _blocks(text: str) -> Iterator[_Block]:
    name: Line | None = None
    rows: list[Line] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if _is_image(line):
            if name is not None:
                yield _block(name, rows)
            name, rows = (number, line), []
        elif line and name is not None:
            rows.append((number, line))
    if name is not None:
        yield _block(name, rows)


def _block(name: Line, rows: list[Line]) -> _Block:
    count = _count(rows[0][1]) if rows else None
    return _Block(name=name, count=count, rows=rows if count is None else rows[1:])


def _image(found: Gathering, path: Path, block: _Block) -> DatasetImage | None:
    number, name = block.name
    split = split_of_file(path.stem)
    base = path.parent.parent / f"WIDER_{split or 'train'}/images"
    homes = [base, path.parent, path.parent / "images", path.parent.parent / "images"]
    image = found.named(path, name, homes, expected=base, line=number)
    if image is None:
        return None
    frame = found.frame(path, image, None)
    boxes: list[DatasetBox] = []
    rows: Sequence[Line] = block.rows
    if block.count == 0 and [set(line.split()) for _, line in rows] == [{"0"}]:
        rows = ()
    elif block.count is not None and block.count != len(rows):
        told = counted(block.count, "face was", "faces were")
        found.problem(path, f"{told} announced, {len(rows):,} follow", number)
    for place, line in rows:
        try:
            left, top, width, height, *rest = _box(line)
        except BadRow as error:
            found.problem(path, f"{error}: left out ({line[:60]!r})", place)
            continue
        box = found.clipped(path, from_size(left, top, width, height), frame, place)
        if box is None:
            continue
        kept = {key: int(value) for key, value in zip(_ATTRIBUTES, rest, strict=False)}
        boxes.append(
            DatasetBox(
                label=found.classes.add(_FACE),
                x1=box[0],
                y1=box[1],
                x2=box[2],
                y2=box[3],
                difficult=bool(kept.get("invalid")),
                occluded=bool(kept.get("occlusion")),
                extra={"wider-face": kept} if kept else {},
            )
        )
    empty = block.count == 0 and not rows
    return DatasetImage(
        path=image,
        name="",
        width=frame.width,
        height=frame.height,
        split=split or found.folder_split(image),
        labelled=bool(boxes) or empty,
        verified=empty,
        boxes=boxes,
    )


def _box(line: str) -> list[float]:
    """Raises BadRow where a line is no box with at most six attributes."""
    columns = numbers(line.split())
    if not 4 <= len(columns) <= 4 + len(_ATTRIBUTES):
        raise BadRow(f"{counted(len(columns), 'column')} where WIDER FACE has 10")
    if not all(value in range(10) for value in columns[4:]):
        raise BadRow("an attribute is no small whole number")
    return columns


def _is_image(line: str) -> bool:
    return Path(line).suffix.lower() in EXTENSIONS


def _count(line: str) -> int | None:
    return int(line) if line.isascii() and line.isdigit() and len(line) < 7 else None


WIDER_FACE = FormatSpec(
    name="wider-face",
    title="WIDER FACE",
    kind="text",
    text="One list of faces a split.",
    suffixes=_SUFFIXES,
    sniff=sniff_wider_face,
    reader=read_wider_face,
    capabilities=Capabilities(difficult=True, occluded=True, verified_empty=True, splits=True),
)
