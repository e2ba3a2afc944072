"""The model card beside an exported file: what somebody who has nothing else must know, as JSON and to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from detcore.data.letterbox import PAD_VALUE
from detcore.errors import ConfigError, ProjectError
from detcore.evaluation.evaluate import evaluate_columns
from detcore.evaluation.judged import judge
from detcore.evaluation.thresholds import operating_points
from detcore.jobs.config import TrainConfig
from detcore.jobs.preparing.model_export import ModelFormat
from detcore.project.runs import RunFolder, load_detections, predicted_images
from detcore.project.snapshot import Snapshot
from detcore.types import ObjectClass
from detcore.version import VERSION
from detcore.wording import counted
from detcore.zoo.base import DenseNet
from detcore.zoo.checkpoint import Checkpoint
from detcore.zoo.spec import SUPPRESSIONS, DetectorSpec

_IOU = 0.5
_SPLITS = ("train", "val", "test", None)
_FIGURES = ("AP", "AP50", "AP75")


def make_card(
    run: RunFolder,
    checkpoint: Checkpoint,
    dense: DenseNet,
    spec: DetectorSpec,
    kind: ModelFormat,
    *,
    names: Sequence[str],
    nms: bool,
    check: dict[str, Any],
) -> dict[str, Any]:
    """``names`` of the classes, by label; ``check``: how far the file was found to be from torch.

    Figures and thresholds are of the run's detections on its validation images; ``None`` where it has none.
    """
    snapshot = Snapshot.load(run.snapshot)
    judged = _judged(run, snapshot, checkpoint, names)
    config = _config(run)
    return {
        "made_by": f"Reticle {VERSION}",
        "run": run.name,
        "detector": {
            "id": spec.id,
            "title": spec.title,
            "options": checkpoint.options,
            "step": checkpoint.state.step,
            "AP_in_training": checkpoint.state.best_ap,
        },
        "file": {"name": kind.files[0], "format": kind.id, "nms": nms},
        "input": _input(spec, dense.side),
        "tiles": _tiles(checkpoint),
        "output": _output(spec, nms=nms),
        "selection": asdict(dense.selection),
        "classes": [
            {"label": label, "name": name, **judged["classes"][label]} for label, name in enumerate(names)
        ],
        "threshold": judged["threshold"],
        "figures": judged["figures"],
        "looks": 1 if config is None else config.looks,
        "data": _counts(snapshot),
        "taught_by": "" if config is None else config.learning.teacher,
        "check": check,
        "licence": {
            "detector": spec.licence,
            "started_from": _start(config),
            "published_weights": spec.weights.licence if _start(config) else "",
        },
    }


def _input(spec: DetectorSpec, side: int) -> dict[str, Any]:
    rule = spec.input
    return {
        "name": "images",
        "shape": ["batch", 3, *rule.frame(side)],
        "side": side,
        "type": "float32",
        "colours": "RGB",
        "range": [0.0, 1.0],
        "resize": rule.resize,
        "smooth": rule.smooth,
        "place": "top left",
        "pad_value": PAD_VALUE,
        "divisor": rule.divisor,
        "normalised_inside": {"value_range": rule.value_range, "mean": rule.mean, "std": rule.std},
    }


def _tiles(checkpoint: Checkpoint) -> dict[str, Any] | None:
    """How the run looks at large images, which is outside of the file; ``None`` where it sees them whole."""
    tiling = checkpoint.tiling
    if tiling is None:
        return None
    return {**asdict(tiling), "scale": tiling.scale(checkpoint.image_size)}


def _output(spec: DetectorSpec, *, nms: bool) -> dict[str, str]:
    suppression = SUPPRESSIONS[spec.suppression]
    if nms:
        return {
            "detections": "(batch, rows, 6): x1, y1, x2, y2, score, label; best first, label -1 where there is none. "
            f"Suppression: {suppression}"
        }
    return {
        "boxes": "(batch, places, 4): x1, y1, x2, y2 in pixels of the input",
        "scores": "(batch, places, classes): 0 to 1. Which of them are detections is yours to choose, by `selection`. "
        f"Suppression: {suppression}",
    }


def _judged(
    run: RunFolder, snapshot: Snapshot, checkpoint: Checkpoint, names: Sequence[str]
) -> dict[str, Any]:
    """Figures, and the scores at which F1 is highest, over all and by class."""
    ids = np.array(checkpoint.class_ids, np.int64)
    none = {"threshold": None, "AP": None, "AP50": None}
    nothing = {"figures": None, "threshold": None, "classes": [none] * len(names)}
    try:
        detections, seen = load_detections(run), predicted_images(run)
    except ProjectError:
        return nothing
    in_val = [image.id for image in snapshot.labelled_images if image.split == "val" and image.id in seen]
    if not in_val:
        return nothing
    images = np.array(in_val, np.int64)
    gt = snapshot.only(in_val).ground_truth
    found = detections.take(np.isin(detections.image_ids, images))
    labels = {class_id: str(label) for label, class_id in enumerate(ids.tolist())}
    figures = evaluate_columns(gt, found, image_ids=images, classes=labels)
    (outcomes,) = judge(gt, found, images, ids, iou_thresholds=(_IOU,))
    best = [operating_points(outcomes.outcomes(class_id)).best_f_beta() for class_id in (None, *ids.tolist())]
    thresholds = [None if point is None else point.threshold for point in best]
    return {
        "figures": {"split": "val", "images": len(in_val), **{name: figures[name] for name in _FIGURES}},
        "threshold": thresholds[0],
        "classes": [
            {
                "threshold": threshold,
                **{name: figures["per_class"][str(label)][name] for name in ("AP", "AP50")},
            }
            for label, threshold in enumerate(thresholds[1:])
        ],
    }


def _counts(snapshot: Snapshot) -> dict[str, dict[str, int]]:
    """Labelled images and boxes by split."""
    counts: dict[str, dict[str, int]] = {}
    for split in _SPLITS:
        images = {image.id for image in snapshot.labelled_images if image.split == split}
        if images:
            boxes = int(np.isin(snapshot.ground_truth.image_ids, list(images)).sum())
            counts[split or "without split"] = {"images": len(images), "boxes": boxes}
    return counts


def _config(run: RunFolder) -> TrainConfig | None:
    """The settings of the training, if they can be read."""
    try:
        return TrainConfig.load(run.config)
    except ConfigError:
        return None


def _start(config: TrainConfig | None) -> str:
    """The name of the weights that the training began with, published ones or a file; "" when it began with nothing."""
    weights = None if config is None else config.first_weights
    return "" if weights is None else weights.replace("\\", "/").rpartition("/")[2]


def class_names(
    class_ids: Sequence[int], now: Sequence[ObjectClass], then: Sequence[ObjectClass]
) -> list[str]:
    """As the classes are called now; one that was deleted since, as it was called when the run began."""
    names = {item.id: item.name for item in (*then, *now)}
    return [names.get(class_id, f"class {class_id}") for class_id in class_ids]


def card_text(card: dict[str, Any]) -> str:
    """The card in Markdown."""
    detector, file, takes, licence = card["detector"], card["file"], card["input"], card["licence"]
    side, inside, figures = takes["side"], takes["normalised_inside"], card["figures"]
    best = card["threshold"]
    fitted = (
        f"stretched to {takes['shape'][3]} × {takes['shape'][2]}{'' if takes['smooth'] else ', by linear interpolation without smoothing'}"
        if takes["resize"] == "stretch"
        else f"resized so that the longer side is {side}, put in the top left corner of a square of "
        f"{side} × {side} filled with {takes['pad_value']}"
    )
    data = [
        f"- {name}: {counted(of['images'], 'image')}, {counted(of['boxes'], 'box', 'boxes')}"
        for name, of in card["data"].items()
    ]
    classes = [
        f"| {item['label']} | {_cell(item['name'])} | {_figure(item['threshold'])} | {_figure(item['AP'])} | {_figure(item['AP50'])} |"
        for item in card["classes"]
    ]
    judged = (
        _unjudged(detector["AP_in_training"])
        if figures is None
        else f"On {counted(figures['images'], 'validation image')}, COCO's rules: "
        + ", ".join(f"{name} {_figure(figures[name])}" for name in _FIGURES)
        + "."
        + ("" if best is None else f" F1 over all classes is highest at a score of {_figure(best)}.")
        + (_TWO_LOOKS if card["looks"] > 1 else "")
    )
    check = card["check"]
    lines = [
        f"# {detector['title']}: {', '.join(item['name'] for item in card['classes'])}",
        "",
        f"`{file['name']}`, made by {card['made_by']} of the run {card['run']} (step {detector['step']:,}). "
        f"NMS is {'inside' if file['nms'] else 'not inside'}. `model-card.json` says the same to programs.",
        "",
        "## Input",
        "",
        f"`images`, float32 ({', '.join(str(length) for length in takes['shape'])}): RGB in 0 to 1. An image is {fitted}. "
        f"Mean {inside['mean']} and standard deviation {inside['std']} are taken care of inside.",
        *_about_tiles(card["tiles"]),
        "",
        "## Output",
        "",
        *(f"- `{name}`: {text}" for name, text in card["output"].items()),
        "",
        "## Classes",
        "",
        "The threshold is the score at which F1 of the class is highest on the validation images.",
        "",
        "| label | class | threshold | AP | AP50 |",
        "|---|---|---|---|---|",
        *classes,
        "",
        "## Figures",
        "",
        judged,
        "",
        "## Data",
        "",
        *data,
        *(
            [f"- taught by the run {card['taught_by']}: its detections, with their scores"]
            if card["taught_by"]
            else []
        ),
        "",
        "## Check",
        "",
        f"Against torch on {counted(check['images'], 'image')} of the project: boxes differ by at most {check['box_px']:.2g} px, "
        f"scores by {check['score']:.2g}.",
        "",
        "## Licence",
        "",
        f"The detector's code: {licence['detector']}."
        + (
            f" Trained from {licence['started_from']}, whose licence counts as well."
            if licence["started_from"]
            else " Trained from nothing."
        )
        + " The weights were learnt from your images: whose they are decides about the rest.",
    ]
    return "\n".join(lines) + "\n"


_TWO_LOOKS = (
    " Figures and thresholds are of each image looked at together with its mirror image; the file looks once, so that its "
    "scores differ a little."
)


def _unjudged(reached: float | None) -> str:
    """Why there are no figures, and how to have them."""
    if reached is None:
        return "The run has not been judged on validation images."
    return (
        f"The run reached AP {_figure(reached)} while it was trained. It has no detections on its validation images: let it "
        "predict and export again, and thresholds and figures by class stand here."
    )


def _about_tiles(tiles: dict[str, Any] | None) -> list[str]:
    if tiles is None:
        return []
    text = (
        f"It learnt from tiles of {tiles['side']} pixels of the original, {tiles['overlap']} of them in common with the next, and "
        "the figures are of images that were looked at in such tiles. Cutting them, and putting together what is found in "
        f"them, is not inside: one tile comes at a time, resized by {tiles['scale']:.4g}."
    )
    return ["", text]


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


def _cell(text: str) -> str:
    """In a table of Markdown."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
