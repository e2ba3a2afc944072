"""The proof of an export: its files are read again, by Reticle and by the rules of other readers."""

from __future__ import annotations

from dataclasses import replace

from detcore.atomic import atomic_write
from detcore.errors import FormatError, ReticleError, disk_error
from detcore.formats.base import REPORT, ExportOptions, ExportReport, Images, ReaderOutcome
from detcore.formats.spec import FormatSpec
from detcore.version import VERSION
from detcore.wording import counted

OURSELVES = "Reticle"


def proved(spec: FormatSpec, report: ExportReport, options: ExportOptions) -> ExportReport:
    """The report with what the readers found in the files that it is of, both kept in ``EXPORT.txt`` beside them.

    Raises:
        FormatError: the file cannot be written.
    """
    with_images = options.images is not Images.REFERENCE
    outcomes = [_read_back(spec, report)] if spec.reader is not None else []
    outcomes += [
        rules.ask(report.out)
        if with_images or not rules.needs_images
        else ReaderOutcome(reader=rules.reader, skipped="it needs the images, which were not copied")
        for rules in spec.readers
    ]
    report = replace(report, proof=tuple(outcomes))
    if not report.out.is_dir():  # of a plug-in that writes nothing but what it says
        return report
    report = replace(report, files=report.files + 1)
    try:
        with atomic_write(report.out / REPORT) as path:
            path.write_text(_text(spec, report), encoding="utf-8", newline="\n")
    except OSError as error:
        problem = disk_error(error)
        message = f"the export is complete, but its proof cannot be written ({problem.message})"
        raise FormatError(message, path=report.out / REPORT, hint=problem.hint) from error
    return report


def outcome_text(outcome: ReaderOutcome, report: ExportReport) -> str:
    """What a reader finds beside what was written, as a sentence without its name."""
    if outcome.skipped:
        return f"not asked: {outcome.skipped}."
    if is_whole(outcome, report):
        all_of_it = f"{counted(outcome.images, 'image')} and {counted(outcome.boxes, 'box', 'boxes')}"
        return f"{all_of_it}, all that was written."
    images = f"{outcome.images:,} of {counted(report.image_count, 'image')}"
    return f"{images}, {outcome.boxes:,} of {counted(report.box_count, 'box', 'boxes')}."


def is_whole(outcome: ReaderOutcome, report: ExportReport) -> bool:
    """Whether the reader finds as much as was written."""
    return (outcome.images, outcome.boxes) == (report.image_count, report.box_count)


def _read_back(spec: FormatSpec, report: ExportReport) -> ReaderOutcome:
    try:
        dataset, _ = spec.read(report.out)
    except ReticleError as error:
        return ReaderOutcome(reader=OURSELVES, faults=(error.message,))
    return ReaderOutcome(reader=OURSELVES, images=len(dataset.images), boxes=dataset.box_count)


def _text(spec: FormatSpec, report: ExportReport) -> str:
    lines = [f"Exported by Reticle {VERSION} as {spec.full_title}.", ""]
    for split in sorted(set(report.images) | set(report.boxes)):
        boxes = report.boxes.get(split, {})
        count = (
            f"{counted(report.images.get(split, 0), 'image')}, {counted(sum(boxes.values()), 'box', 'boxes')}"
        )
        lines.append(f"{split or 'no split'}: {count}")
        lines += [f"  {name}: {number:,}" for name, number in sorted(boxes.items())]
    lines += _section("What the format cannot hold", report.losses or ("Nothing.",))
    lines += _section("Good to know", report.notes)
    lines += ["", "What readers find, by their rules"]
    for outcome in report.proof:
        lines.append(f"- {outcome.reader}: {outcome_text(outcome, report)}")
        lines += [f"    {fault}" for fault in outcome.faults]
    return "\n".join(lines) + "\n"


def _section(title: str, sentences: tuple[str, ...]) -> list[str]:
    return ["", title, *(f"- {sentence}" for sentence in sentences)] if sentences else []
