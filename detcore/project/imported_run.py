"""Runs that were imported: detections of another program, or labels of another person, held against the project's."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any, cast

from detcore.errors import ConfigError
from detcore.project.run_folder import RunFolder, read_json
from detcore.untrusted_json import fits_fields

KEY = "imported"
"""In ``run.json``; other runs have no such key. It is what such runs have for a model, too."""

COMING = ".coming-"
"""What the folders of runs begin with that are being imported."""

_NAME = re.compile(r"[^\W_](?:[\w .+-]*[\w+-])?")
_LONGEST = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedFrom:
    """Where an imported run came from: the name of the file or folder, the title of its ``format``, and whether a person
    drew its boxes (``by_person``), whose scores are all 1."""

    source: str
    format: str
    by_person: bool


def imported_from(run: RunFolder) -> ImportedFrom | None:
    """``None`` for a run that was trained here."""
    record: Any = read_json(run.info).get(KEY)
    if not isinstance(record, dict):
        return None
    fields = cast("dict[str, Any]", record)
    return ImportedFrom(**fields) if fits_fields(fields, ImportedFrom) else None


def imported_record(origin: ImportedFrom) -> dict[str, Any]:
    """What ``run.json`` says of it."""
    return {KEY: asdict(origin)}


def check_name(name: str) -> None:
    """Raises ConfigError for what cannot be the name of an imported run on every system."""
    if len(name) > _LONGEST or not _NAME.fullmatch(name):
        raise ConfigError(
            f"a run cannot be called {name[:_LONGEST]!r}: it becomes a folder",
            hint="Use letters, digits, spaces, dots, plus and minus, and begin with a letter or digit",
        )


def refuse_imported(run: RunFolder, doing: str) -> None:
    """Raises ConfigError for an imported run: what is to be done (``doing`` follows "to") needs weights."""
    if imported_from(run) is not None:
        raise ConfigError(
            f"{run.name} was imported and has no weights to {doing}",
            path=run.path,
            hint="Give a run of train",
        )
