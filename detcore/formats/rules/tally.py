"""What a reader finds in an export."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from detcore.errors import ReticleError
from detcore.formats.base import ReaderOutcome
from detcore.wording import counted

_MOST_FAULTS = 20


class Tally:
    """Counts images and boxes as a reader takes them, and gathers what it stumbles on, with the first place of each."""

    def __init__(self) -> None:
        self.images = 0
        self.boxes = 0
        self._faults: dict[str, tuple[int, str]] = {}

    def fault(self, what: str, where: object) -> None:
        """One thing that the reader refuses, drops or reads otherwise."""
        count, first = self._faults.get(what, (0, str(where)))
        self._faults[what] = (count + 1, first)

    def outcome(self, reader: str) -> ReaderOutcome:
        lines = [
            f"{what} ({first})" if count == 1 else f"{what} ({counted(count, 'time')}, first {first})"
            for what, (count, first) in self._faults.items()
        ]
        return ReaderOutcome(
            reader=reader, images=self.images, boxes=self.boxes, faults=tuple(lines[:_MOST_FAULTS])
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderRules:
    """The rules of one reader for one format. ``check`` reads an export's folder as that reader would, and tells the
    tally; ``needs_images``: it looks for the images first, so that labels alone are nothing to it."""

    reader: str
    check: Callable[[Path, Tally], None]
    needs_images: bool = True

    def ask(self, folder: Path) -> ReaderOutcome:
        """What the reader finds. A file that cannot be read at all is a fault, too."""
        tally = Tally()
        try:
            self.check(folder, tally)
        except (ReticleError, OSError, ValueError) as error:
            tally.fault("ends here", error)
        return tally.outcome(self.reader)
