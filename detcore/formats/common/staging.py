"""Writing an export so that it appears complete or not at all, and never costs anybody a file."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import psutil

from detcore.errors import FormatError, disk_error
from detcore.formats.base import MARKER, REPORT, DatasetImage
from detcore.formats.common.text import decode
from detcore.types import SPLITS
from detcore.untrusted_json import parse_json

_SIDECAR_VERSION = 1
_LITTER = frozenset({"thumbs.db", "desktop.ini", ".ds_store"})


class Staging:
    """A folder under construction. All paths are posix and relative to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: list[str] = []
        self._made: set[Path] = set()
        self._digests: dict[str, str] = {}

    def path(self, name: str) -> Path:
        """Where to write the file ``name``; its folders exist then, and it counts as written.

        Raises:
            FormatError: the name leads out of the folder.
        """
        if Path(name).anchor or ".." in name.replace("\\", "/").split("/"):
            raise FormatError(f"an export would write outside of its folder ({name!r})", path=self.folder)
        path = self.folder / name
        if path.parent not in self._made:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(path.parent)
        self.files.append(name)
        return path

    def write_text(self, name: str, text: str) -> None:
        """A file in UTF-8 without a byte order mark, with line feeds."""
        data = text.encode()
        self.path(name).write_bytes(data)
        self._digests[name] = _digest(data)

    def write_marker(self, format_name: str, content: Mapping[str, Any]) -> None:
        """The file that makes the folder recognisable as ours. To be written last: it lists the others, with
        the SHA-256 of each text and the size of each image, by which changes show that somebody made
        since."""
        written = {
            name: self._digests.get(name) or (self.folder / name).stat().st_size for name in self.files
        }
        marker = {"reticle_export": _SIDECAR_VERSION, "format": format_name, **content}
        marker |= {"files": self.files, "written": written}
        text = json.dumps(marker, ensure_ascii=False, indent=1, allow_nan=False)
        self.write_text(MARKER, text + "\n")


def read_marker(folder: Path) -> dict[str, Any] | None:
    """What :meth:`Staging.write_marker` wrote; ``None`` when the folder is no export of ours."""
    path = folder / MARKER
    if not path.is_file():
        return None
    try:
        return parse_marker(path.read_bytes())
    except OSError:
        return None


def parse_marker(content: bytes) -> dict[str, Any] | None:
    """A marker from its bytes; ``None`` where it is none of ours."""
    try:
        data: Any = parse_json(decode(content)[0])
    except ValueError:
        return None
    return cast("dict[str, Any]", data) if isinstance(data, dict) and "reticle_export" in data else None


@contextmanager
def staged(out: Path, images: Sequence[DatasetImage], image_root: Path) -> Generator[Staging]:
    """A staging folder beside ``out`` that takes its place when the block ends well.

    Raises:
        FormatError: ``out`` holds something else than an earlier export, or the images to be exported,
            or lies among them; or it cannot be written.
    """
    out = out.absolute()
    if out.parent.is_dir():
        clear_leftovers(out)
    _check_target(out, images, image_root)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = make_beside(out, ".partial")
    except OSError as error:
        hint = disk_error(error).hint
        raise FormatError(f"cannot write here ({error.strerror})", path=out, hint=hint) from error
    try:
        folder.chmod(0o755)
        yield Staging(folder)
        _take_place(folder, out)
    except OSError as error:
        hint = disk_error(error).hint
        raise FormatError(f"cannot be written ({error.strerror or error})", path=out, hint=hint) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_beside(out: Path, suffix: str) -> Path:
    """A hidden folder beside ``out`` that names this process, so that others can tell what is left over."""
    return Path(tempfile.mkdtemp(prefix=f".{out.name}.{os.getpid()}-", suffix=suffix, dir=out.parent))


def clear_leftovers(out: Path) -> None:
    """Remove what exports to the same place have left that were killed; an earlier export that one of them had put
    aside and did not replace goes back to its place."""
    name = re.compile(rf"\.{re.escape(out.name)}\.(\d{{1,10}})-\w+(\.partial|\.earlier)")
    for path in list(out.parent.iterdir()):
        found = name.fullmatch(path.name)
        if found is None or path.is_symlink() or psutil.pid_exists(int(found[1])):
            continue
        if found[2] == ".earlier" and not out.exists() and (path / "export").is_dir():
            (path / "export").rename(out)
        shutil.rmtree(path, ignore_errors=True)


def _take_place(folder: Path, out: Path) -> None:
    """Rename ``folder`` to ``out``; an earlier export is put back should that fail."""
    if not out.exists():
        folder.rename(out)
        return
    earlier = make_beside(out, ".earlier")
    out.rename(earlier / "export")
    try:
        folder.rename(out)
    except OSError:
        (earlier / "export").rename(out)
        earlier.rmdir()
        raise
    shutil.rmtree(earlier, ignore_errors=True)  # the export is in place: remains are no failure


def _check_target(out: Path, images: Sequence[DatasetImage], image_root: Path) -> None:
    hint = "Choose an empty or a new folder"
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise FormatError("is not a folder", path=out, hint=hint)
    target = out.resolve()
    folders = {image.path.parent for image in images}
    folders |= {image.path.resolve().parent for image in images if os.path.islink(image.path)}
    for folder in folders:
        if target == folder.resolve() or target in folder.resolve().parents:
            raise FormatError("the images to be exported lie in this folder", path=out, hint=hint)
    root = image_root.resolve()
    if images and (target == root or target in root.parents or root in target.parents):
        raise FormatError("an export cannot lie among the original images", path=out, hint=hint)
    if out.exists() and any(out.iterdir()):
        _check_is_earlier_export(out, hint)


def _check_is_earlier_export(out: Path, hint: str) -> None:
    marker = read_marker(out)
    if marker is None:
        raise FormatError("the folder is not empty and holds no earlier export", path=out, hint=hint)
    known = listed_files(marker)
    for folder, _, names in os.walk(out):
        for name in names:
            path = (Path(folder) / name).relative_to(out).as_posix()
            # Training tools leave caches of labels beside the labels; they would be stale anyway.
            if path not in known and name.lower() not in _LITTER and not name.endswith(".cache"):
                raise FormatError(f"holds {path}, which no export wrote", path=out, hint=hint)
    for name, mark in written_marks(marker).items():
        if name in known and _was_changed(out / name, mark):
            message = f"{name} was changed after the export that wrote it"
            hint = "Import the change first, or choose an empty or a new folder"
            raise FormatError(message, path=out, hint=hint)


def listed_files(marker: Mapping[str, Any]) -> set[str]:
    """The files of an export, by what it says itself."""
    files: Any = marker.get("files")
    known = {str(name) for name in cast("list[Any]", files)} if isinstance(files, list) else set[str]()
    return known | {MARKER, REPORT}


def written_marks(marker: Mapping[str, Any]) -> dict[str, Any]:
    """The SHA-256 of each text of an export, and the size of each image."""
    written: Any = marker.get("written")
    return cast("dict[str, Any]", written) if isinstance(written, dict) else {}


def _was_changed(path: Path, mark: Any) -> bool:
    """Whether a file is another one than the export wrote; one that was deleted is no loss."""
    if not path.is_file():
        return False
    if isinstance(mark, int):
        return path.stat().st_size != mark
    return _digest(path.read_bytes()) != mark


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def read_marks(folders: Sequence[Path]) -> dict[Path, dict[str, Any]]:
    """What earlier exports of ours in these folders noted about their images, by absolute path.

    Anybody may have written such a file: only ``verified`` (a bool), ``split`` (one of ``SPLITS``, or
    ``None``) and ``boxes`` (a list of objects) come through, and each only when it is what it should be.
    """
    marks: dict[Path, dict[str, Any]] = {}
    for folder in folders:
        noted: Any = (read_marker(folder) or {}).get("images")
        if isinstance(noted, dict):
            for name, mark in cast("dict[str, Any]", noted).items():
                if isinstance(mark, dict):
                    marks[Path(os.path.normpath(folder / name))] = _checked_mark(cast("dict[str, Any]", mark))
    return marks


def _checked_mark(mark: dict[str, Any]) -> dict[str, Any]:
    checked: dict[str, Any] = {"verified": mark.get("verified") is True}
    if "split" in mark and (mark["split"] is None or mark["split"] in SPLITS):
        checked["split"] = mark["split"]
    boxes: Any = mark.get("boxes")
    if isinstance(boxes, list):
        checked["boxes"] = [item for item in cast("list[Any]", boxes) if isinstance(item, dict)]
    return checked
