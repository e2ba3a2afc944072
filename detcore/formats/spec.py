"""What a dataset format declares of itself: all that windows and commands know of it is read from here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from detcore.errors import FormatError
from detcore.formats.base import Dataset, ExportOptions, ExportReport, Images, Problem, Progress, no_progress
from detcore.formats.in_place import LabelFiles
from detcore.formats.losses import Capabilities, foreign_fields, told_losses
from detcore.formats.rules.tally import ReaderRules
from detcore.formats.sniffing import Sample, Sniffed
from detcore.options import NoOptions, Option, options_of


class Reader(Protocol):
    """Reads a folder or an annotation file.

    ``image_folder`` is searched for images that do not lie beside the annotations. Whatever is odd becomes a
    :class:`Problem`; reading goes on. One whose format declares options for reading takes them as ``options``, with
    their defaults as its own.

    Raises:
        FormatError: there is nothing of this format at ``source``.
        Cancelled: ``progress`` returned ``False``.
    """

    def __call__(
        self, source: Path, *, image_folder: Path | None, progress: Progress
    ) -> tuple[Dataset, list[Problem]]: ...


class Writer(Protocol):
    """Writes all images of a dataset to the folder ``out``, which appears complete or not at all; ``options`` are
    of the class that the format declares, and ``copy_images`` is whether the images are to lie there, each ``placed`` as
    it says. Losses that follow from its capabilities are none of its business.

    Raises:
        FormatError: ``out`` holds something else than an earlier export, lies among the images, or cannot be
            written.
        Cancelled: ``progress`` returned ``False``.
    """

    def __call__(
        self, dataset: Dataset, out: Path, options: Any, *, copy_images: bool, progress: Progress
    ) -> ExportReport: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatSpec:
    """A dataset format: one declaration beside its code, without Qt and torch.

    ``sniff`` opens few files of a sample and reads little of each; it answers ``None`` where there is nothing that concerns
    the format, and a confidence of 0 where there is, but something else. ``reader`` and ``writer`` are ``None``
    for a format that goes one way only.

    Raises:
        ValueError: a field of ``options`` is no ``option``.
    """

    name: str  # the word for commands
    title: str
    kind: str  # of its files, in a word or two: XML, JSON, text
    text: str  # one line: what is written, and for whom
    suffixes: tuple[str, ...]  # of files that can be opened or dropped; a dataset that is a folder needs none
    sniff: Callable[[Sample], Sniffed | None]
    reader: Reader | None = None
    writer: Writer | None = None
    options: type[Any] = NoOptions  # of writing: a frozen dataclass whose fields are made by ``option``
    reading: type[Any] = NoOptions  # likewise, of reading
    capabilities: Capabilities = Capabilities()
    readers: tuple[ReaderRules, ...] = ()  # of other programs: an export is held against their rules
    open: Callable[[Path], LabelFiles] | None = None  # the files of a folder, to be edited in their place

    @property
    def full_title(self) -> str:
        return f"{self.title} ({self.kind})"

    def __post_init__(self) -> None:
        options_of(self.options)
        options_of(self.reading)

    def option_list(self) -> tuple[Option, ...]:
        """What there is to choose when writing, in the order of the fields."""
        return options_of(self.options)

    def reading_list(self) -> tuple[Option, ...]:
        """What there is to choose when reading, in the order of the fields."""
        return options_of(self.reading)

    def read(
        self,
        source: Path,
        *,
        image_folder: Path | None = None,
        progress: Progress = no_progress,
        options: Any = None,
    ) -> tuple[Dataset, list[Problem]]:
        """See :class:`Reader`; ``options`` are of the class that the format declares for reading, ``None`` their
        defaults."""
        if self.reader is None:
            raise FormatError(f"{self.title} is only written, not read", path=source)
        _check_kind(self.name, options, self.reading)
        chosen = {} if options is None or self.reading is NoOptions else {"options": options}
        return self.reader(source, image_folder=image_folder, progress=progress, **chosen)

    def write(
        self,
        dataset: Dataset,
        out: Path,
        options: ExportOptions | None = None,
        progress: Progress = no_progress,
    ) -> ExportReport:
        """See :class:`Writer`. The report tells also what the format cannot hold. An export that is to be a zip is
        written as a folder to pack."""
        if self.writer is None:
            raise FormatError(f"{self.title} is only read, not written", path=out)
        chosen = options or ExportOptions()
        _check_kind(self.name, chosen.own, self.options)
        own = self.options() if chosen.own is None else chosen.own
        if chosen.images not in (Images.COPY, Images.REFERENCE):
            placed = [replace(image, placed=chosen.images) for image in dataset.images]
            dataset = replace(dataset, images=placed)
        copied = chosen.images is not Images.REFERENCE
        report = self.writer(dataset, out, own, copy_images=copied, progress=progress)
        losses = foreign_fields(dataset, self.name, self.title, self.capabilities)
        losses += told_losses(dataset, report, self.title, self.capabilities)
        return replace(report, losses=(*losses, *report.losses))


def _check_kind(name: str, options: Any, kind: type[Any]) -> None:
    if options is not None and not isinstance(options, kind):
        raise TypeError(f"{name} takes {kind.__name__}, not {type(options).__name__}")
