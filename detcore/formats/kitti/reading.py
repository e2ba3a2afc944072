"""KITTI: ``type truncated occluded alpha left top right bottom`` and seven numbers of the object in space.

As the readme of the object development kit has it. Edges are pixels from 0 with fractions; its evaluation takes
``right - left`` for the width, so they are continuous. ``truncated`` is a share, ``occluded`` 0 to 3 (3: not known), and
``DontCare`` marks a region in which nothing is labelled, which is a crowd here. Detections have a score as 16th column.
"""

from __future__ import annotations

from pathlib import Path

from detcore.formats.base import Dataset, Problem, Progress
from detcore.formats.kitti.writing import DONT_CARE, write_kitti
from detcore.formats.label_rows.reading import RowFormat, read_rows, sniffer
from detcore.formats.label_rows.row import BadRow, DetectionRow, Row, is_number, numbers
from detcore.formats.losses import Capabilities
from detcore.formats.spec import FormatSpec
from detcore.wording import counted

_OCCLUSIONS = frozenset({"-1", "0", "1", "2", "3"})


def _parse(line: str) -> Row:
    columns = line.split()
    if len(columns) < 15:
        raise BadRow(f"{counted(len(columns), 'column')} where KITTI has 15")
    named, rest = columns[:-14], columns[-14:]
    if rest[1].removesuffix(".0") not in _OCCLUSIONS:
        if len(named) > 1 and is_number(named[-1]) and rest[0] in _OCCLUSIONS:
            raise DetectionRow("a detection with a score")
        raise BadRow("the third column, the occlusion, is none of 0, 1, 2 and 3")
    values = numbers(rest)
    name = " ".join(named)
    return Row(
        name=name,
        corners=(values[3], values[4], values[5], values[6]),
        truncated=values[0] > 0,
        occluded=values[1] in (1, 2),
        crowd=name == DONT_CARE,
        kept={
            "truncated": rest[0],
            "occluded": rest[1],
            "alpha": rest[2],
            "dimensions": " ".join(rest[7:10]),
            "location": " ".join(rest[10:13]),
            "rotation_y": rest[13],
        },
    )


_FORM = RowFormat(
    name="kitti",
    title="KITTI",
    row="a type and the fourteen numbers of KITTI",
    parse=_parse,
    folders={"label_2": ("image_2",), "label_3": ("image_3",), "labels": ("images",)},
    suffix=".png",
    sure=0.97,
)


def read_kitti(
    source: Path, *, image_folder: Path | None, progress: Progress
) -> tuple[Dataset, list[Problem]]:
    """See :class:`detcore.formats.spec.Reader`."""
    return read_rows(_FORM, source, image_folder=image_folder, progress=progress)


KITTI = FormatSpec(
    name=_FORM.name,
    title=_FORM.title,
    kind="text",
    text="One text file an image in label_2. For NVIDIA TAO, MMDetection3D and torchvision.",
    suffixes=(".txt",),
    sniff=sniffer(_FORM),
    reader=read_kitti,
    writer=write_kitti,
    capabilities=Capabilities(
        truncated=True, occluded=True, crowd=True, verified_empty=True, splits=True, kept_beside=True
    ),
)
