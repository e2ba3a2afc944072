"""What the first process of a job hands to the others. They share no disk with it: each gets the files that it needs
into a folder of its own, which is like the run's and goes when the job ends."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from detcore.errors import ConfigError
from detcore.project.cross_validation import fold_folder
from detcore.project.run_weights import weights_files
from detcore.project.runs import RunFolder
from detcore.project.snapshot import Snapshot
from detcore.training.distributed import Group
from detcore.untrusted_json import parse_json
from detcore.zoo.checkpoint import newest_checkpoint

_ORDER = "order.json"
_LENGTH_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What all are to do: a ``verb`` of the worker's command line, with its ``attempt`` and ``device``. ``images`` is
    the folder of images on the first machine, "" where that is not told. ``folds`` of a cross-validation are still to
    be done."""

    verb: str
    attempt: int = 0
    device: str = ""
    images: str = ""
    folds: tuple[int, ...] = ()


def hand_out(group: Group, order: Order, files: Mapping[str, Path]) -> None:
    """Tell the others what to do, with the files that there are of these, by the names that they get."""
    if group.world_size == 1:
        return
    contents = {name: path.read_bytes() for name, path in files.items() if path.is_file()}
    contents[_ORDER] = json.dumps(asdict(order)).encode()
    group.spread(pack(contents))


def take_in(group: Group, run: RunFolder, *, images: Path | None) -> Order:
    """Hear what to do; the files lie in ``run`` then. ``images`` is where this machine has the project's images."""
    contents = unpack(group.spread(b""))
    record: dict[str, Any] = parse_json(contents.pop(_ORDER))
    record["folds"] = tuple(record["folds"])
    order = Order(**record)
    write_files(run.path, contents)
    if images is not None and order.images:
        for file in run.path.rglob(run.snapshot.name):
            _locate_here(file, order.images, images)
    return order


def fold_files(run: RunFolder, folds: Sequence[int]) -> dict[str, Path]:
    """All that these folds of a cross-validation go by, to be trained from the beginning."""
    parts = (fold_folder(run, number) for number in folds)
    paths = [path for fold in parts for path in (fold.config, fold.snapshot)]
    return {path.relative_to(run.path).as_posix(): path for path in paths}


def training_files(run: RunFolder) -> dict[str, Path]:
    """All that a training goes by, with the newest checkpoint that can be read and the best one."""
    newest = _readable((run.next, run.last, run.previous))
    files = {path.name: path for path in (run.config, run.snapshot, run.emphasis, run.lesson, run.best)}
    return files if newest is None else {**files, run.last.name: newest}


def hand_weights(group: Group, run: RunFolder) -> None:
    """Give everybody the weights to predict with.

    Raises:
        ConfigError: there are none that can be read.
    """
    if group.world_size == 1:
        return
    if not group.leads:
        run.last.write_bytes(group.spread(b""))
        run.best.unlink(missing_ok=True)  # that of the beginning
        return
    path = _readable(weights_files(run))
    if path is None:
        raise ConfigError("the run has no weights yet", path=run.path, hint="Train it first")
    group.spread(path.read_bytes())


def pack(contents: Mapping[str, bytes]) -> bytes:
    """Files by name as one piece: the length of a list in 8 bytes, the list of names and sizes, the files."""
    record = json.dumps({name: len(content) for name, content in contents.items()}).encode()
    return b"".join([len(record).to_bytes(_LENGTH_BYTES, "little"), record, *contents.values()])


def unpack(content: bytes) -> dict[str, bytes]:
    """What ``pack`` was given."""
    at = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "little")
    record: dict[str, int] = parse_json(content[_LENGTH_BYTES:at])
    found: dict[str, bytes] = {}
    for name, size in record.items():
        found[name] = content[at : at + size]
        at += size
    return found


def write_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    """By their names, which may lead into folders below this one.

    Raises:
        ConfigError: a name leads elsewhere.
    """
    for name, content in contents.items():
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise ConfigError(f"{name} is no file of a run")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _readable(paths: Sequence[Path]) -> Path | None:
    return next((path for path in paths if newest_checkpoint([path])[0] is not None), None)


def _locate_here(file: Path, there: str, here: Path) -> None:
    """Let a list of images lead to where this machine has them."""
    snapshot, start = Snapshot.load(file), f"{there.rstrip(os.sep)}{os.sep}"
    images = tuple(
        replace(image, path=str(here / image.path.removeprefix(start)))
        if image.path.startswith(start)
        else image
        for image in snapshot.images
    )
    replace(snapshot, images=images).save(file)
