"""The formats there are, built-in ones and plug-ins, and which of them a file or folder is of."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from detcore.formats.bdd100k import BDD100K
from detcore.formats.coco.reading import COCO
from detcore.formats.createml import CREATEML
from detcore.formats.cvat.reading import CVAT
from detcore.formats.datumaro.reading import DATUMARO
from detcore.formats.fiftyone.reading import FIFTYONE
from detcore.formats.label_studio.reading import LABEL_STUDIO
from detcore.formats.labelme.reading import LABELME
from detcore.formats.sniffing import Sample, Sniffed
from detcore.formats.spec import FormatSpec
from detcore.formats.supervisely import SUPERVISELY
from detcore.formats.tfrecord.reading import TFRECORD
from detcore.formats.via import VIA
from detcore.formats.voc.reading import VOC
from detcore.formats.yolo.reading import YOLO
from detcore.plugins import plugins

GROUP = "reticle.formats"
"""The entry points that name formats."""

_BUILT_IN = (
    VOC,
    COCO,
    YOLO,
    CVAT,
    DATUMARO,
    FIFTYONE,
    TFRECORD,
    LABELME,
    LABEL_STUDIO,
    CREATEML,
    VIA,
    BDD100K,
    SUPERVISELY,
)

_log = logging.getLogger(__name__)


@cache
def all_formats() -> Mapping[str, FormatSpec]:
    """The formats by name, built-in ones first. A plug-in that takes the name of another is logged and left out."""
    found: dict[str, FormatSpec] = {}
    for spec in (*_BUILT_IN, *plugins(GROUP, FormatSpec)):
        if spec.name in found:
            _log.warning("a plug-in is left out: there is a format %r already", spec.name)
        else:
            found[spec.name] = spec
    return MappingProxyType(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """What a file or folder looks like: ``like`` are formats, the surest first, and ``unlike`` those that it only
    reminds of, each with the reason."""

    like: tuple[tuple[FormatSpec, Sniffed], ...]
    unlike: tuple[tuple[FormatSpec, Sniffed], ...]

    @property
    def best(self) -> FormatSpec | None:
        """The surest format; of equally sure ones the first that there is."""
        return self.like[0][0] if self.like else None

    @property
    def verdict(self) -> str:
        """One sentence for the user."""
        if not self.like:
            return "No labels recognised here: choose the format."
        return f"This looks like {', but also like '.join(spec.full_title for spec, _ in self.like)}."

    @property
    def reasons(self) -> str:
        """Why it is several formats, or none; nothing where it is one."""
        if len(self.like) == 1:
            return ""
        told = [f"{spec.full_title}: {found.why}." for spec, found in self.like]
        return " ".join(told or [f"Not {spec.full_title}: {found.why}." for spec, found in self.unlike])

    def __str__(self) -> str:
        return " ".join(filter(None, (self.verdict, self.reasons)))


def recognise(source: Path) -> Recognised:
    """Look at a folder or an annotation file as every format that can be read does."""
    sample = Sample(source)
    found = [
        (spec, sniffed)
        for spec in all_formats().values()
        if spec.reader is not None and (sniffed := spec.sniff(sample)) is not None
    ]
    found.sort(key=lambda item: -item[1].confidence)
    return Recognised(
        like=tuple(item for item in found if item[1].confidence > 0),
        unlike=tuple(item for item in found if item[1].confidence <= 0),
    )


def detect_format(source: Path) -> str | None:
    """The name of the format that a folder or annotation file looks most like; ``None`` when it is none."""
    best = recognise(source).best
    return None if best is None else best.name
