"""A run's results as one file: what is on its page, and in which order."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from detcore.atomic import atomic_write
from detcore.errors import ImageError, ReticleError, disk_error
from detcore.evaluation.live import ClassSummary
from detcore.project.reading import ProjectReader
from detcore.project.runs import RunFolder
from detcore.project.scope import unread_note
from detcore.report.blocks import (
    Bar,
    Crop,
    Crops,
    Key,
    LargePlot,
    Line,
    Mark,
    Page,
    Pair,
    Paragraph,
    Plot,
    Section,
    SmallPlots,
    Tiles,
)
from detcore.report.crops import MOST_CROPS, Progress, WorstErrors, picture_errors
from detcore.report.findings import Findings, find
from detcore.report.html import html_page
from detcore.report.plots import precision_recall_plot, score_histogram
from detcore.report.tables import (
    change_list,
    class_name,
    class_table,
    cleaning_list,
    coco_table,
    confusion_table,
    facts,
    figure,
    score_table,
    verdict_list,
)
from detcore.types import IntArray
from detcore.wording import counted

_MOST_PLOTS = 60
_MARKS = (
    ("tp", "found: detection on a label of its class"),
    ("fp", "false: detection without such a label"),
    ("fn", "missed: label that nothing has found"),
)


Writer = Callable[[Path, Page], None]
"""Writes a page to a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report that was written: where, over how many images, at which threshold; ``problems`` of images that
    could not be read and whose pictures are missing in it."""

    path: Path
    images: int
    threshold: float
    problems: tuple[ImageError, ...]


def write_report(
    project: ProjectReader,
    run: RunFolder,
    out: Path,
    *,
    image_ids: IntArray,
    scope: str,
    threshold: float | None = None,
    iou_threshold: float = 0.5,
    progress: Progress | None = None,
    write: Writer | None = None,
) -> Report:
    """Evaluate as ``find`` and write the report, as HTML or with ``write``; the file appears complete or not
    at all.

    Raises:
        EvaluationError, ProjectError: as ``find``.
        ReticleError: the file cannot be written.
        Cancelled: ``progress`` returned false.
    """
    findings = find(
        project, run, image_ids=image_ids, scope=scope, threshold=threshold, iou_threshold=iou_threshold
    )
    worst = picture_errors(project, findings, progress=progress)
    write = write or _write_html
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(out) as path:
            write(path, page(findings, worst))
    except OSError as error:
        hint = disk_error(error).hint
        raise ReticleError(f"cannot write the report ({error.strerror})", path=out, hint=hint) from error
    return Report(path=out, images=len(image_ids), threshold=findings.threshold, problems=worst.problems)


def _write_html(path: Path, shown: Page) -> None:
    path.write_text(f"<!doctype html>\n{html_page(shown)}\n", encoding="utf-8")


def page(findings: Findings, worst: WorstErrors) -> Page:
    """The whole report."""
    shown = len(findings.live.image_ids)
    subtitle = (
        f"{shown:,} {findings.scope}. Detections count from a confidence of {findings.threshold:.2f} on, "
        f"and match a label at an IoU of {findings.iou_threshold:.2f}."
    )
    notes = [unread_note(findings.unread)] if findings.unread else []
    if findings.trained:
        notes.append(
            f"{findings.trained:,} of these images were used for training: the model knows them and errs less here "
            "than on new images."
        )
    return Page(
        title=f"{findings.project_name}: {findings.run.name}",
        notes=(Paragraph(subtitle, "muted"), *(Paragraph(note, "note") for note in notes)),
        parts=(
            _tiles(findings),
            facts(findings),
            coco_table(findings),
            class_table(findings),
            _overall_plots(findings),
            _class_plots(findings),
            confusion_table(findings),
            _crops("False detections with the highest scores", worst.false, findings.counts.fp),
            _crops("Largest objects that are missed", worst.missed, findings.counts.fn),
            verdict_list(findings),
            change_list(findings),
            cleaning_list(findings),
        ),
        footer=f"Made with Reticle on {time.strftime('%Y-%m-%d %H:%M')}.",
    )


def _tiles(findings: Findings) -> Tiles:
    counts, stats = findings.counts, findings.coco.stats
    ratios = {
        "AP": stats["AP"],
        "AP50": stats["AP50"],
        "precision": counts.precision,
        "recall": counts.recall,
        "F1": counts.f1,
    }
    marked = (("tp", "found", counts.tp), ("fp", "false", counts.fp), ("fn", "missed", counts.fn))
    tiles = [(figure(value), Line(text=name)) for name, value in ratios.items()]
    tiles += [(f"{count:,}", Line(text=name, sign=Mark(kind))) for kind, name, count in marked]
    return Tiles(tiles)


def _overall_plots(findings: Findings) -> Pair:
    live = findings.live
    curve = live.curve()
    plot = precision_recall_plot(
        curve, title="all classes", color=None, threshold=findings.threshold, large=True
    )
    histogram = score_histogram(*live.score_histogram(), threshold=findings.threshold)
    note = Paragraph("All classes together; the dot is at the threshold.", "muted")
    key = Key(
        [
            Line(text="found", sign=Bar("tp")),
            Line(text="false", sign=Bar("fp")),
            Line(text="The dashed line is at the threshold; heights are square roots."),
        ]
    )
    return Pair(
        Section("Precision and recall", (LargePlot(plot, note),)),
        Section("Scores", (LargePlot(histogram, key), score_table(findings))),
    )


def _class_plots(findings: Findings) -> Section:
    """Small plots of the classes that have labels, those with the most first if there are too many."""
    known = [one for one in findings.class_summaries if one.gt_count]
    most = sorted(known, key=lambda one: -one.gt_count)[:_MOST_PLOTS]
    plots: list[tuple[Line, Plot]] = []
    for one in known:
        if one not in most:
            continue
        item = findings.classes[one.class_id]
        plot = precision_recall_plot(
            findings.live.curve(one.class_id), title=item.name, color=None, threshold=findings.threshold
        )
        plots.append((class_name(item, _ap_at(findings, one)), plot))
    rest = len(known) - len(most)
    left_out = counted(rest, "class with fewer labels is", "classes with fewer labels are")
    note = (Paragraph(f"{left_out} not shown.", "muted"),) if rest else ()
    return Section("Precision and recall of each class", (SmallPlots(plots), *note))


def _ap_at(findings: Findings, one: ClassSummary) -> str:
    """AP at the IoU of the report under the name that it has in the tables, and as the number that it is
    there."""
    name = f"AP{round(100 * findings.iou_threshold)}"
    return f"{name} {figure(findings.coco.per_class[one.class_id].get(name, one.ap))}"


def _crops(title: str, crops: tuple[Crop, ...], total: int) -> Section:
    if not crops:
        return Section(title, (Paragraph("There are none.", "muted"),))
    shown = f"{title} ({len(crops):,} of {total:,})" if total > len(crops) else title
    key = Key([Line(text=text, sign=Mark(kind)) for kind, text in _MARKS])
    return Section(shown, (Crops(crops[:MOST_CROPS]), key))
