"""What a file or folder is that holds no dataset, and what to do with it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from detcore.formats.common.walking import is_written_by_a_run
from detcore.formats.sniffing import Sample, json_head, read_head
from detcore.images.decoding import EXTENSIONS
from detcore.images.pointers import is_pointer

_LOOKED_AT = 200
"""Files of a folder that are looked at."""
_DETECTIONS = {"image_id", "category_id", "bbox", "score"}
_ARCHIVES = ((b"PK\x03\x04", 0), (b"\x1f\x8b", 0), (b"7z\xbc\xaf'\x1c", 0), (b"Rar!", 0), (b"ustar", 257))
_LABEL_SUFFIXES = frozenset({".txt", ".csv", ".xml", ".json", ".tsv", ".mat"})
_BESIDE = ("readme", "licen", "provenance", "classes")
"""Beginnings of the names of files that lie beside images and say nothing of boxes."""
_RUN_TABLES = (b"epoch,", b"                  epoch,")
_PAGES = (b"<!doctype html", b"<html")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """``what`` it is, with its article, and the ``advice``: a sentence of what to do."""

    what: str
    advice: str

    def __str__(self) -> str:
        return f"This is {self.what}. {self.advice}"


POINTERS = Stranger(
    what="a git-LFS pointer, not the file itself",
    advice="Run `git lfs pull` where it was cloned, then try again.",
)
IMAGES = Stranger(
    what="a folder of images without labels",
    advice="Make a project of them (`new`, or Open folder), or choose the folder of the labels.",
)
_DETECTION_LIST = Stranger(
    what="a list of detections (COCO results), no dataset",
    advice="Take it in with `import-detections`, or score it with `evaluate --dt`.",
)
_RUN = Stranger(
    what="what a training or a prediction wrote, no dataset",
    advice="Choose the folder that it was trained on; its detections are for `import-detections`.",
)
_FILES: tuple[tuple[Callable[[bytes, Path], bool], Stranger], ...] = (
    (lambda head, path: not head, Stranger(what="an empty file", advice="Copy or download it once more.")),
    (lambda head, path: is_pointer(head), POINTERS),
    (
        lambda head, path: any(head[start:].startswith(mark) for mark, start in _ARCHIVES),
        Stranger(what="an archive", advice="Unpack it and choose the folder that comes out."),
    ),
    (
        lambda head, path: head.lstrip().lower().startswith(_PAGES),
        Stranger(
            what="a web page", advice="What was meant to be downloaded is not in it: download it once more."
        ),
    ),
    (
        lambda head, path: path.suffix.lower() in EXTENSIONS,
        Stranger(what="an image", advice="Choose the folder or the file that its labels are in."),
    ),
    (lambda head, path: head.startswith(_RUN_TABLES), _RUN),
    (lambda head, path: head.lstrip()[:1] == b"[" and _is_list_of_detections(path), _DETECTION_LIST),
)


def stranger(sample: Sample) -> Stranger | None:
    """What a file or folder is, if it is something that is often taken for a dataset; ``None`` where that is not
    known."""
    source = sample.path
    if not sample.is_folder:
        return _of_file(source) if os.path.isfile(source) else None
    if (source / "project.db").is_file():
        return Stranger(what="a project of Reticle", advice="Open it instead.")
    if is_written_by_a_run(source):
        return _RUN
    files = sample.first(_LOOKED_AT)
    others = [path for path in files if path.suffix.lower() not in EXTENSIONS]
    known = (found for path in others if (found := _of_file(path)) in (POINTERS, _DETECTION_LIST))
    is_bare = len(others) < len(files) and not any(map(_may_hold_labels, others))
    return next(known, IMAGES if is_bare else None)


def _may_hold_labels(file: Path) -> bool:
    return file.suffix.lower() in _LABEL_SUFFIXES and not file.stem.lower().startswith(_BESIDE)


def _of_file(file: Path) -> Stranger | None:
    head = read_head(file)
    return next((known for test, known in _FILES if test(head, file)), None)


def _is_list_of_detections(path: Path) -> bool:
    head = json_head(path)
    return head is not None and head.is_list and head.keys.keys() >= _DETECTIONS
