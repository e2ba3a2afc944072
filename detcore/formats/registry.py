"""The formats there are, built-in ones and plug-ins, and which of them a file or folder is of."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from detcore.formats.bdd100k import BDD100K
from detcore.formats.coco.reading import COCO
from detcore.formats.createml import CREATEML
from detcore.formats.csv.reading import AUTOML_CSV, CSV, KERAS_RETINANET_CSV, OPENIMAGES_CSV
from detcore.formats.cvat.reading import CVAT
from detcore.formats.datumaro.reading import DATUMARO
from detcore.formats.fiftyone.reading import FIFTYONE
from detcore.formats.kitti.reading import KITTI
from detcore.formats.label_rows.dota import DOTA
from detcore.formats.label_rows.oidv4 import OIDV4
from detcore.formats.label_rows.visdrone import VISDRONE
from detcore.formats.label_studio.reading import LABEL_STUDIO
from detcore.formats.labelme.reading import LABELME
from detcore.formats.lists.keras_yolo import KERAS_YOLO
from detcore.formats.lists.mot import MOT
from detcore.formats.lists.wider_face import WIDER_FACE
from detcore.formats.sniffing import Sample, Sniffed, read_head
from detcore.formats.spec import FormatSpec
from detcore.formats.strangers import IMAGES, Stranger, stranger
from detcore.formats.supervisely import SUPERVISELY
from detcore.formats.tfrecord.reading import TFRECORD
from detcore.formats.via import VIA
from detcore.formats.voc.reading import VOC
from detcore.formats.yolo.reading import YOLO
from detcore.images.decoding import EXTENSIONS
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
    CSV,
    OPENIMAGES_CSV,
    AUTOML_CSV,
    KERAS_RETINANET_CSV,
    KERAS_YOLO,
    KITTI,
    OIDV4,
    DOTA,
    VISDRONE,
    WIDER_FACE,
    MOT,
)

_MARGIN = 0.02
"""Confidences that differ by less are equal."""
_SURE = 0.6
_MISNAMED = 200
_KINDS = 3
"""Files of a folder, and of these one of each extension, that are looked at for labels with another one."""

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
    reminds of, each with the reason; ``stranger`` is what it is else, where it is like none."""

    like: tuple[tuple[FormatSpec, Sniffed], ...]
    unlike: tuple[tuple[FormatSpec, Sniffed], ...]
    stranger: Stranger | None = None

    @property
    def best(self) -> FormatSpec | None:
        """The surest format; of equally sure ones the first that there is."""
        return self.like[0][0] if self.like else None

    @property
    def is_tied(self) -> bool:
        """Whether another format is as sure as the best, so that somebody has to choose."""
        return len(self.like) > 1 and self.like[0][1].confidence - self.like[1][1].confidence < _MARGIN

    @property
    def verdict(self) -> str:
        """One sentence for the user, and what to do where it is no dataset."""
        if self.like:
            first, *others = [spec.full_title for spec, _ in self.like]
            *before, last = others or [""]
            also = f", but also like {', '.join(before)}{' and ' if before else ''}{last}" if others else ""
            return f"This looks like {first}{also}."
        if self.stranger is not None:
            return str(self.stranger)
        return "No labels recognised here: choose the format."

    @property
    def reasons(self) -> str:
        """Why it is several formats, or none; nothing where it is one."""
        if len(self.like) == 1 or (not self.like and self.stranger is not None):
            return ""
        told = [f"{spec.full_title}: {found.why}." for spec, found in self.like]
        return " ".join(told or [f"Not {spec.full_title}: {found.why}." for spec, found in self.unlike])

    def sniffed(self, name: str) -> Sniffed | None:
        """How sure the format of that name is, and why; ``None`` where it has nothing to say."""
        return next((found for spec, found in (*self.like, *self.unlike) if spec.name == name), None)

    def __str__(self) -> str:
        return " ".join(filter(None, (self.verdict, self.reasons)))


def recognise(source: Path) -> Recognised:
    """Look at a folder or an annotation file as every format that can be read does."""
    sample = Sample(source)
    found = _asked(sample)
    like = tuple(item for item in found if item[1].confidence > 0)
    unlike = tuple(item for item in found if item[1].confidence <= 0)
    other = None if like else stranger(sample)
    if not like and other in (None, IMAGES):
        other = _misnamed(sample) or (None if unlike else other)
    return Recognised(like=like, unlike=unlike, stranger=other)


def _asked(sample: Sample) -> list[tuple[FormatSpec, Sniffed]]:
    """What every format that can be read says, the surest first."""
    found = [
        (spec, sniffed)
        for spec in all_formats().values()
        if spec.reader is not None and (sniffed := spec.sniff(sample)) is not None
    ]
    return sorted(found, key=lambda item: -item[1].confidence)


def _misnamed(sample: Sample) -> Stranger | None:
    """A file of labels that has the extension of something else, or that is read with its folder alone: told by its
    first bytes under other names, in a folder that is gone again."""
    if not sample.is_folder:
        return _under_other_names(sample.path, alone=True)
    kinds = {path.suffix.lower(): path for path in sample.first(_MISNAMED)}
    files = [path for suffix, path in kinds.items() if suffix not in EXTENSIONS]
    looked = (_under_other_names(path, alone=False) for path in files[:_KINDS])
    return next((found for found in looked if found is not None), None)


def _under_other_names(file: Path, *, alone: bool) -> Stranger | None:
    head = read_head(file)
    if not head or b"\0\0" in head:
        return None
    with TemporaryDirectory(prefix="reticle-") as folder:
        copy = Path(folder) / file.name
        copy.write_bytes(head)
        spec = _surely(Sample(copy.parent)) if alone else None
        if spec is not None:
            what = f"a single file of {spec.full_title} labels"
            return Stranger(what=what, advice="Choose the folder that it lies in.")
        for suffix in _fitting(head, file.suffix.lower()):
            copy = copy.rename(copy.with_suffix(suffix))
            spec = _surely(Sample(copy.parent))
            if spec is not None:
                what = f"{spec.full_title} in a file called {file.name}"
                return Stranger(what=what, advice=f"Give such files the extension {suffix} ({copy.name}).")
    return None


def _fitting(head: bytes, own: str) -> list[str]:
    """The extensions besides its ``own`` that a file may have which begins like this."""
    first = head.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1]
    known = {suffix for spec in all_formats().values() if spec.reader for suffix in spec.suffixes}
    marked = {b"<": {".xml"}, b"{": {".json"}, b"[": {".json"}}
    others = (known | {".txt", ".csv"}) - {".xml", ".json"}
    return sorted(marked.get(first, others) - {own})


def _surely(sample: Sample) -> FormatSpec | None:
    found = _asked(sample)
    return found[0][0] if found and found[0][1].confidence >= _SURE else None


def detect_format(source: Path) -> str | None:
    """The name of the format that a folder or annotation file looks most like; ``None`` when it is none."""
    best = recognise(source).best
    return None if best is None else best.name
