"""A run's results as one HTML file that needs nothing else: for the browser, for the printer, for an e-mail.
The same page is what other writers get, such as that of PDF."""

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
from detcore.report.crops import MOST_CROPS, Progress, WorstErrors, picture_errors
from detcore.report.findings import Findings, find
from detcore.report.markup import Markup, tag
from detcore.report.plots import precision_recall_plot, score_histogram
from detcore.report.tables import (
    change_list,
    class_name,
    class_table,
    coco_table,
    confusion_table,
    facts,
    figure,
    score_table,
    section,
    verdict_list,
)
from detcore.types import IntArray
from detcore.wording import counted

_STYLE = Path(__file__).with_name("report.css")
_MOST_PLOTS = 60
_MARKS = (
    ("tp", "found: detection on a label of its class"),
    ("fp", "false: detection without such a label"),
    ("fn", "missed: label that nothing has found"),
)


Writer = Callable[[Path, Markup], None]
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


def _write_html(path: Path, text: Markup) -> None:
    path.write_text(f"<!doctype html>\n{text}\n", encoding="utf-8")


def page(findings: Findings, worst: WorstErrors) -> Markup:
    """The whole page."""
    title = f"{findings.project_name}: {findings.run.name}"
    style = Markup(_STYLE.read_text(encoding="utf-8"))
    return tag(
        "html",
        tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("title", title),
            tag("style", style),
        ),
        tag("body", _patterns(), tag("main", *_contents(title, findings, worst))),
        lang="en",
    )


def _contents(title: str, findings: Findings, worst: WorstErrors) -> list[Markup]:
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
    heading = [tag("h1", title), tag("p", subtitle, class_="muted")]
    return [
        tag("header", *heading, *(tag("p", note, class_="note") for note in notes)),
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
        tag("footer", f"Made with Reticle on {time.strftime('%Y-%m-%d %H:%M')}."),
    ]


def _tiles(findings: Findings) -> Markup:
    counts, stats = findings.counts, findings.coco.stats
    ratios = {
        "AP": stats["AP"],
        "AP50": stats["AP50"],
        "precision": counts.precision,
        "recall": counts.recall,
        "F1": counts.f1,
    }
    tiles = [_tile(figure(value), name) for name, value in ratios.items()]
    tiles += [
        _tile(f"{count:,}", name, mark)
        for mark, name, count in (
            ("tp", "found", counts.tp),
            ("fp", "false", counts.fp),
            ("fn", "missed", counts.fn),
        )
    ]
    return tag("div", *tiles, class_="tiles")


def _tile(value: str, name: str, mark: str = "") -> Markup:
    sign = [tag("span", class_=f"mark {mark}")] if mark else []
    return tag("div", tag("b", value), tag("span", *sign, name), class_="tile")


def _overall_plots(findings: Findings) -> Markup:
    live = findings.live
    curve = live.curve()
    plot = precision_recall_plot(
        curve, title="all classes", color=None, threshold=findings.threshold, large=True
    )
    histogram = score_histogram(*live.score_histogram(), threshold=findings.threshold)
    note = tag("p", "All classes together; the dot is at the threshold.", class_="muted")
    key = tag(
        "p",
        tag("span", _swatch("bar-tp"), "found"),
        tag("span", _swatch("bar-fp"), "false"),
        tag("span", "The dashed line is at the threshold; heights are square roots."),
        class_="key",
    )
    return tag(
        "div",
        section("Precision and recall", tag("div", plot, note, class_="large")),
        section("Scores", tag("div", histogram, key, class_="large"), score_table(findings)),
        class_="pair",
    )


def _swatch(kind: str) -> Markup:
    bar = tag("rect", x=0, y=0, width=14, height=10, class_=kind)
    return tag("svg", bar, width="14", height="10", viewBox="0 0 14 10", aria_hidden="true")


def _class_plots(findings: Findings) -> Markup:
    """Small plots of the classes that have labels, those with the most first if there are too many."""
    known = [one for one in findings.class_summaries if one.gt_count]
    most = sorted(known, key=lambda one: -one.gt_count)[:_MOST_PLOTS]
    plots: list[Markup] = []
    for one in known:
        if one not in most:
            continue
        item = findings.classes[one.class_id]
        plot = precision_recall_plot(
            findings.live.curve(one.class_id), title=item.name, color=None, threshold=findings.threshold
        )
        ap = tag("small", f" {_ap_at(findings, one)}")
        plots.append(tag("div", tag("h3", class_name(item), ap), plot))
    rest = len(known) - len(most)
    note = (
        [
            tag(
                "p",
                f"{counted(rest, 'class with fewer labels is', 'classes with fewer labels are')} not shown.",
                class_="muted",
            )
        ]
        if rest
        else []
    )
    return section("Precision and recall of each class", tag("div", *plots, class_="plots"), *note)


def _ap_at(findings: Findings, one: ClassSummary) -> str:
    """AP at the IoU of the report under the name that it has in the tables, and as the number that it is
    there."""
    name = f"AP{round(100 * findings.iou_threshold)}"
    return f"{name} {figure(findings.coco.per_class[one.class_id].get(name, one.ap))}"


def _crops(title: str, crops: tuple[Markup, ...], total: int) -> Markup:
    if not crops:
        return section(title, tag("p", "There are none.", class_="muted"))
    shown = f"{title} ({len(crops):,} of {total:,})" if total > len(crops) else title
    key = tag(
        "p",
        *(tag("span", tag("span", class_=f"mark {mark}"), text) for mark, text in _MARKS),
        class_="key",
    )
    return section(shown, tag("div", *crops[:MOST_CROPS], class_="crops"), key)


def _patterns() -> Markup:
    """Stripes for what is false, hatching for what is missed."""
    stripes = tag(
        "pattern",
        tag("path", d="M0,0 L0,5", class_="stripe"),
        id="stripes",
        width="5",
        height="5",
        patternUnits="userSpaceOnUse",
        patternTransform="rotate(45)",
    )
    hatch = tag(
        "pattern",
        tag("path", d="M0,0 L0,70", class_="hatch"),
        id="hatch",
        width="70",
        height="70",
        patternUnits="userSpaceOnUse",
        patternTransform="rotate(45)",
    )
    return tag("svg", tag("defs", stripes, hatch), class_="patterns", aria_hidden="true")
