"""Finding the image that an annotation means, whatever path it names."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from urllib.parse import unquote

from detcore.formats.common.walking import files_below
from detcore.images.decoding import EXTENSIONS

_BESIDE = ("JPEGImages", "images", "Images", "img")
"""Folders of images that lie beside a folder of labels."""

_ANNOTATION_FOLDERS = ("annotation", "label")


class ImageFinder:
    """Looks images up by name without regard to case.

    Folders are listed once each. ``wide`` folders are searched as a whole, by ``files``, when an image is
    not where it should be; a name found there counts only if it is the only one.
    """

    def __init__(
        self, wide: Iterable[Path], files: Callable[[Path, Sequence[str]], list[Path]] = files_below
    ) -> None:
        self._wide = list(dict.fromkeys(folder.absolute() for folder in wide))
        self._files = files
        self._folders: dict[Path, dict[str, list[str]]] = {}
        self._stems: dict[Path, dict[str, list[str]]] = {}
        self._index: dict[str, list[Path]] | None = None

    def by_name(self, folder: Path, name: str) -> Path | None:
        """The image ``name`` in ``folder``; the case that was asked for goes first."""
        return self._pick(folder, name, self._listing(folder).get(_key(name), []))

    def by_stem(self, folder: Path, stem: str) -> Path | None:
        """The image with that stem and any extension."""
        stems = self._stems.get(folder)
        if stems is None:
            stems = self._stems[folder] = {}
            for name in self.images_in(folder):
                stems.setdefault(_key(os.path.splitext(name)[0]), []).append(name)
        return self._pick(folder, stem, stems.get(_key(stem), []))

    def anywhere(self, parts: Sequence[str], *, stem_only: bool = False) -> list[Path]:
        """The images below the wide folders whose paths end in ``parts``, or in as many of them as any does.

        One is the image that is meant; a name that fits several is ambiguous. With ``stem_only`` the
        extension of the last part is not compared.
        """
        if not parts:
            return []
        index = self._whole_index()
        key = _key(parts[-1])
        candidates = index.get(os.path.splitext(key)[0] if stem_only else key, [])
        for length in range(len(parts), 0, -1):
            tail = tuple(_key(part) for part in parts[-length:])
            matches = [path for path in candidates if _ends_in(path, tail, stem_only=stem_only)]
            if matches:
                return list({os.path.realpath(path): path for path in matches}.values())
        plain = tuple(unquote(part) for part in parts)  # some tools name files as they stand in URLs
        return self.anywhere(plain, stem_only=stem_only) if plain != tuple(parts) else []

    def images_in(self, folder: Path) -> list[str]:
        """Names of the images directly in a folder, sorted."""
        return sorted(name for names in self._listing(folder).values() for name in names)

    def _listing(self, folder: Path) -> dict[str, list[str]]:
        listing = self._folders.get(folder)
        if listing is None:
            listing = self._folders[folder] = _image_names(folder)
        return listing

    def _pick(self, folder: Path, wanted: str, names: Sequence[str]) -> Path | None:
        if not names:
            return None
        return folder / (wanted if wanted in names else names[0])

    def _whole_index(self) -> dict[str, list[Path]]:
        """File names and stems, lower case, of all images below the wide folders."""
        if self._index is None:
            found = {
                path: None
                for folder in self._wide
                if os.path.isdir(folder)
                for path in self._files(folder, tuple(EXTENSIONS))
            }
            self._index = {}
            for path in found:
                for name in {_key(path.name), _key(path.stem)}:
                    self._index.setdefault(name, []).append(path)
        return self._index


def _key(name: str) -> str:
    """A name for comparison: macOS composes accents otherwise than the rest, and case may differ."""
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name).lower()


def _image_names(folder: Path) -> dict[str, list[str]]:
    """The images directly in a folder, by name in lower case."""
    names: dict[str, list[str]] = {}
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if os.path.splitext(name)[1].lower() in EXTENSIONS and not name.startswith("."):
            names.setdefault(_key(name), []).append(name)
    return names


def _ends_in(path: Path, tail: tuple[str, ...], *, stem_only: bool) -> bool:
    parts = [_key(part) for part in path.parts[-len(tail) :]]
    if stem_only:
        return [*parts[:-1], os.path.splitext(parts[-1])[0]] == [*tail[:-1], os.path.splitext(tail[-1])[0]]
    return parts == list(tail)


def common_root(paths: Sequence[Path], fallback: Path) -> Path:
    """The deepest folder that holds all files; ``fallback`` when there are none."""
    if not paths:
        return fallback
    try:
        return Path(os.path.commonpath({os.path.dirname(path) for path in paths}))
    except ValueError:  # on different drives
        return fallback


def plain_folder(path: Path) -> Path:
    """The same folder named without ``..``; without links as well where ``..`` leads out of one."""
    normal = Path(os.path.normpath(path))
    if not os.path.exists(path) or (os.path.exists(normal) and normal.samefile(path)):
        return normal
    return path.resolve()


def dataset_folders(folder: Path) -> tuple[Path, ...]:
    """The folders that belong to a dataset which was read from ``folder``: that of its labels may have the
    images beside it."""
    if folder.name.lower().startswith(_ANNOTATION_FOLDERS):
        return (folder, folder.parent)
    return (folder, *(folder.parent / name for name in _BESIDE))


def relative_name(path: Path, root: Path) -> str:
    """Posix path below ``root``; the bare file name for a file elsewhere."""
    text, start = str(path), f"{root}/"
    if text.startswith(start):
        return text[len(start) :]
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        return path.name
