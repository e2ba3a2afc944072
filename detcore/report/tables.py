"""The parts of a report that are figures and lists."""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from collections.abc import Sequence

from detcore.evaluation.error_types import KINDS, ErrorType
from detcore.evaluation.scores import area_under_roc, reliability
from detcore.evaluation.thresholds import points_along
from detcore.project.cleaning import CHANGE_KINDS
from detcore.project.verdict_rows import VerdictKind
from detcore.report.blocks import (
    Block,
    Count,
    Definitions,
    Folded,
    Heading,
    Line,
    Matrix,
    Pair,
    Paragraph,
    Section,
    Share,
    Swatch,
    Table,
)
from detcore.report.findings import MOST_EDITS, Findings
from detcore.types import ObjectClass
from detcore.wording import counted

MOST_CLASSES = 40
"""In the confusion matrix: those with the most labels; a larger one is unreadable on any page."""
_ONCE = (
    "Each object counts once: what lies on an object that something better has found is detected background here. By "
    "kind of error it is a detection of the wrong class or a duplicate."
)

_MOST_ROWS = 100
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_VERDICTS = {
    VerdictKind.ACCEPT: "prediction accepted as label",
    VerdictKind.CLASS: "class corrected",
    VerdictKind.BOX: "predicted box taken",
    VerdictKind.DELETE: "label deleted",
    VerdictKind.MODEL_WRONG: "the model is wrong",
    VerdictKind.AMBIGUOUS: "ambiguous",
    VerdictKind.IGNORE: "marked as difficult",
}
_STATS = {
    "AP": "mean precision over IoU .50 to .95",
    "AP50": "precision at IoU .50",
    "AP75": "precision at IoU .75",
    "AR1": "recall with 1 detection per image and class",
    "AR10": "recall with 10",
    "AR100": "recall with 100",
}
_ERRORS = {
    ErrorType.CLASS: "wrong class",
    ErrorType.LOCATION: "badly placed",
    ErrorType.BOTH: "wrong class and badly placed",
    ErrorType.DUPLICATE: "found twice",
    ErrorType.BACKGROUND: "on background",
}


def facts(findings: Findings) -> Pair:
    """What project, what run."""
    statistics, run = findings.statistics, findings.run
    splits = [f"{name} {count:,}" for name, count in statistics.splits.items()]
    if statistics.without_split:
        splits.append(f"none {statistics.without_split:,}")
    project = Definitions(
        {
            "Project": findings.project_name,
            "Images": f"{statistics.images:,}, of which {statistics.images_with_boxes:,} with boxes",
            "Boxes": f"{statistics.boxes:,} of {counted(len(findings.classes), 'class', 'classes')}",
            "Splits": ", ".join(splits),
        }
    )
    model, effort, where = run.model, f"{run.epochs:.0f} epochs", "while it was trained"
    if findings.folds:
        model = str(findings.settings.get("detector", findings.settings.get("model", model)))
        effort, where = f"cross-validation in {findings.folds} folds", "over all folds"
    best = "–" if run.best_ap is None else f"{run.best_ap:.3f} {where}"
    training = Definitions(
        {
            "Run": f"{run.name}, {run.state.value}",
            "Model": model,
            **({"Taught by": run.teacher} if run.teacher else {}),
            **(
                {"Pruned from": f"{run.pruned_from}, {run.kept:.0%} of its channels kept"}
                if run.pruned_from
                else {}
            ),
            "Started": moment(run.created),
            "Trained": f"{_duration(run.seconds)}, {effort}, on {run.device or 'unknown'}",
            "Best AP": best,
        }
    )
    settings = {name: str(value) for name, value in findings.settings.items() if value is not None}
    more = (Folded("All settings of the run", Definitions(settings)),) if settings else ()
    return Pair(Section("Project", (project,)), Section("Run", (training, *more)))


def coco_table(findings: Findings) -> Pair:
    """COCO's twelve numbers, and those of each size."""
    stats = findings.coco.stats
    overall = Table(
        rows=[[name, text, figure(stats[name]), Share(stats[name])] for name, text in _STATS.items()],
        kind="wide",
    )
    sizes = Table(
        rows=[
            [
                one.name,
                f"{one.count:,}",
                figure(one.ap),
                Share(one.ap),
                figure(one.ar),
                _share(one.found, one.count),
            ]
            for one in findings.sizes
        ],
        head=("size", "objects", "AP", "", "AR", "found"),
    )
    explained = Paragraph(
        "Small is up to 32² pixels, large from 96². Found is at the threshold of this report.", "muted"
    )
    kinds = findings.errors.kind[findings.live.false_positives(findings.threshold)]
    rows = [[_ERRORS[kind], f"{int((kinds == place).sum()):,}"] for place, kind in enumerate(KINDS)]
    errors = Table(rows=rows, head=("false positives", "count"))
    return Pair(
        Section("Average precision and recall (COCO)", (overall, *_certainty(findings))),
        Section("By size, and by kind of error", (sizes, explained, errors)),
    )


def _certainty(findings: Findings) -> tuple[Paragraph, ...]:
    found = findings.ap_interval
    if math.isnan(found.low):
        return ()
    text = (
        f"With other images of the same kind AP would lie between {found.low:.3f} and {found.high:.3f} (95 % interval, "
        "drawing images with replacement)."
    )
    return (Paragraph(text, "muted"),)


def class_table(findings: Findings) -> Section:
    """One row a class."""
    rows: list[list[str | Line | Share]] = []
    for one in findings.class_summaries:
        coco = findings.coco.per_class[one.class_id]
        rows.append(
            [
                class_name(findings.classes[one.class_id]),
                f"{one.gt_count:,}",
                figure(coco["AP"]),
                Share(coco["AP"]),
                figure(coco["AP50"]),
                figure(coco["AP75"]),
                figure(coco["AR100"]),
                figure(one.precision),
                figure(one.recall),
                figure(one.f1),
                *(f"{count:,}" for count in (one.tp, one.fp, one.fn)),
            ]
        )
    head = ("class", "labels", "AP", "", "AP50", "AP75", "AR100", "P", "R", "F1", "TP", "FP", "FN")
    return Section("Classes", (Table(rows=rows, head=head),))


def score_table(findings: Findings) -> Table:
    """Whether the scores tell right from wrong, and mean what they say."""
    curve = findings.live.curve()
    points = points_along(curve.scores, curve.recall, image_count=len(findings.live.image_ids))
    values = {
        "AUC": (
            area_under_roc(curve.scores, curve.hits),
            "how often a found object scores higher than a false one",
        ),
        "D-ECE": (
            reliability(curve.scores, curve.hits).error,
            "how far confidence and precision lie apart in the mean",
        ),
        "MR⁻²": (
            points.log_average_miss_rate(),
            "log-average of the objects missed at 0.01 to 1 false positives an image",
        ),
    }
    return Table(rows=[[name, text, figure(value)] for name, (value, text) in values.items()], kind="wide")


def confusion_table(findings: Findings) -> Section:
    """Rows are labels, columns detections; shaded by the share of the row."""
    matrix = findings.live.confusion(findings.threshold)
    ids = findings.live.class_ids.tolist()
    labels = matrix[:-1].sum(axis=1).tolist()
    chosen = sorted(sorted(range(len(ids)), key=lambda place: (-labels[place], place))[:MOST_CLASSES])
    places = [*chosen, len(ids)]
    names = [findings.classes[ids[place]].name for place in chosen] + ["background"]
    rows: list[list[Count]] = []
    for row in places:
        total = max(int(matrix[row].sum()), 1)
        cells: list[Count] = []
        for column in places:
            count = int(matrix[row, column])
            shown = "" if row == column == len(ids) else f"{count:,}" if count else "·"
            cells.append(Count(text=shown, share=count / total, agrees=row == column != len(ids)))
        rows.append(cells)
    more = len(ids) - len(chosen)
    left_out = (
        f" {counted(more, 'class with fewer labels is', 'classes with fewer labels are')} not shown."
        if more
        else ""
    )
    shown = Matrix(corner="label ↓ detection →", names=names, rows=rows)
    return Section("Confusion", (shown, Paragraph(_ONCE + left_out, "muted")))


def verdict_list(findings: Findings) -> Section:
    """What a person decided about the errors of this run."""
    verdicts = findings.verdicts
    if not verdicts:
        return Section("Verdicts", (Paragraph("None has been given on errors of this run.", "muted"),))
    counts = Counter(verdict.kind for verdict in verdicts)
    summary = ", ".join(f"{_VERDICTS[kind]} {count:,}" for kind, count in counts.most_common())
    rows: list[list[str | Line]] = []
    for verdict in reversed(verdicts[-_MOST_ROWS:]):
        image, known = findings.images.get(verdict.image_id), findings.classes.get(verdict.class_id)
        rows.append(
            [
                image.path if image else "–",
                class_name(known) if known else "–",
                _VERDICTS[verdict.kind] + (f": {verdict.note}" if verdict.note else ""),
                moment(verdict.time),
            ]
        )
    shown = Table(rows=rows, head=("image", "class", "verdict", "given"), kind="words")
    rest = _rest(len(verdicts), len(rows))
    return Section(f"Verdicts ({len(verdicts):,})", (Paragraph(summary), shown, *rest))


def change_list(findings: Findings) -> Section:
    """How the labels differ from those that the run was started with, and the edits that did it."""
    changes = findings.changes
    parts: list[Block] = []
    if changes is None:
        parts.append(Paragraph("The run did not keep the labels that it was started with.", "muted"))
    elif not changes:
        parts.append(Paragraph("None: the labels are those that the run was started with.", "muted"))
    else:
        parts.append(
            Paragraph(
                f"{counted(changes.added, 'box', 'boxes')} added, {changes.removed:,} removed, {changes.moved:,} moved, "
                f"{changes.reclassified:,} given another class, in {counted(len(changes.by_image), 'image')}.",
            )
        )
        rows: list[list[str]] = []
        for image_id, counts in list(changes.by_image.items())[:_MOST_ROWS]:
            image = findings.images.get(image_id)
            rows.append([image.path if image else "(removed)", *(f"{n:,}" if n else "·" for n in counts)])
        parts.append(Table(rows=rows, head=("image", "added", "removed", "moved", "class"), kind="counts"))
        parts += _rest(len(changes.by_image), len(rows))
    if findings.edits:
        parts.append(Heading("Edits since the run was started, the latest first"))
        rows = [[edit.text, _touched(edit.image_ids, findings), moment(edit.time)] for edit in findings.edits]
        parts.append(Table(rows=rows, head=("edit", "image", "when"), kind="words"))
        if len(findings.edits) == MOST_EDITS:
            parts.append(Paragraph(f"Earlier ones than the latest {MOST_EDITS} are not shown.", "muted"))
    return Section("Label changes since the run", parts)


def cleaning_list(findings: Findings) -> Section:
    """What became of the boxes since they were imported: by which edits, and how many of them with a verdict."""
    changes = findings.cleaned
    title = "Cleaning since the import"
    if not changes:
        return Section(title, (Paragraph("None: the boxes are those that were imported.", "muted"),))
    numbers = Counter((kind, change.operation) for change in changes for kind in change.kinds)
    judged = Counter(
        (kind, change.operation) for change in changes if change.verdict for kind in change.kinds
    )
    rows = [
        [kind, operation or "–", f"{numbers[kind, operation]:,}", f"{judged[kind, operation]:,}"]
        for kind, operation in sorted(
            numbers, key=lambda key: (CHANGE_KINDS.index(key[0]), -numbers[key], key[1])
        )
    ]
    images = len({change.image for change in changes})
    text = f"{counted(len(changes), 'box', 'boxes')} on {counted(images, 'image')}; the command `diff` lists each."
    head = ("boxes", "last edit", "number", "with a verdict")
    shown = Table(rows=rows[:_MOST_ROWS], head=head, kind="words")
    return Section(title, (Paragraph(text), shown, *_rest(len(rows), len(rows[:_MOST_ROWS]))))


def _touched(image_ids: Sequence[int], findings: Findings) -> str:
    if len(image_ids) == 1 and image_ids[0] in findings.images:
        return findings.images[image_ids[0]].path
    return counted(len(image_ids), "image") if image_ids else "–"


def class_name(item: ObjectClass, small: str = "") -> Line:
    color = item.color if _COLOR.fullmatch(item.color) else "#888888"
    return Line(text=item.name, sign=Swatch(color), small=small)


def figure(value: float) -> str:
    """Three places, or a dash for COCO's -1 and what is no number."""
    return f"{value:.3f}" if value >= 0 else "–"


def moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({part / whole:.0%})" if whole else "–"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _rest(total: int, shown: int) -> tuple[Paragraph, ...]:
    return (Paragraph(f"… and {total - shown:,} more.", "muted"),) if total > shown else ()
