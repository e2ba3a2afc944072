"""What to say of a `.cfg` that is taken, but not as it stands there: darknet says "Unused field" of such lines.
Free of torch."""

from __future__ import annotations

from collections.abc import Mapping

from detcore.zoo.darknet.cfg import Cfg, Section
from detcore.zoo.darknet.plan import long_name
from detcore.zoo.darknet.recipe import told_of_batch
from detcore.zoo.darknet.shapes.boxes import classes_of

_WEIGHTED = frozenset({"activation", "batch_normalize", "cbn"})
_POOLED = frozenset(
    {
        "size",
        "stride",
        "stride_x",
        "stride_y",
        "padding",
        "maxpool_depth",
        "out_channels",
        "antialiasing",
        "maxpool_zero_nonmax",
    }
)
_HEAD = frozenset({"classes", "num", "jitter", "random"})
_GRID = _HEAD | {"anchors"}
_USED: Mapping[str, frozenset[str]] = {
    "net": frozenset(
        [
            "width",
            "height",
            "channels",
            "batch",
            "subdivisions",
            "learning_rate",
            "momentum",
            "decay",
            "adam",
            "policy",
            "burn_in",
            "power",
            "steps",
            "scales",
            "step",
            "scale",
            "gamma",
            "max_batches",
            "sgdr_cycle",
            "learning_rate_min",
            "angle",
            "saturation",
            "exposure",
            "hue",
            "flip",
            "mosaic",
            "mixup",
            "letter_box",
        ]
    ),
    "convolutional": _WEIGHTED
    | frozenset(
        ["filters", "size", "stride", "stride_x", "stride_y", "pad", "padding", "dilation", "groups"]
    ),
    "connected": _WEIGHTED | {"output"},
    "local": frozenset(["filters", "size", "stride", "pad", "activation"]),
    "maxpool": _POOLED,
    "local_avgpool": _POOLED,
    "avgpool": frozenset(),
    "route": frozenset({"layers", "groups", "group_id"}),
    "shortcut": frozenset({"from", "activation", "weights_type", "weights_normalization"}),
    "scale_channels": frozenset({"from", "scale_wh", "activation"}),
    "sam": frozenset({"from", "activation"}),
    "upsample": frozenset({"stride", "scale"}),
    "reorg": frozenset({"stride"}),
    "dropout": frozenset({"probability"}),
    "activation": frozenset({"activation"}),
    "silence": frozenset(),
    "yolo": _GRID
    | frozenset(
        [
            "mask",
            "ignore_thresh",
            "truth_thresh",
            "iou_thresh",
            "iou_thresh_kind",
            "iou_loss",
            "iou_normalizer",
            "obj_normalizer",
            "delta_normalizer",
            "scale_x_y",
            "new_coords",
            "objectness_smooth",
            "max_delta",
            "label_smooth_eps",
            "focal_loss",
        ]
    ),
    "region": _GRID
    | frozenset(
        [
            "coords",
            "softmax",
            "bias_match",
            "rescore",
            "thresh",
            "object_scale",
            "noobject_scale",
            "class_scale",
            "coord_scale",
        ]
    ),
    "detection": _HEAD
    | frozenset(
        [
            "side",
            "coords",
            "sqrt",
            "rescore",
            "forced",
            "object_scale",
            "noobject_scale",
            "class_scale",
            "coord_scale",
            "softmax",
        ]
    ),
}
_NEUTRAL: Mapping[str, float] = {
    "dropblock": 0,
    "blur": 0,
    "gaussian_noise": 0,
    "cutmix": 0,
    "ema_alpha": 0,
    "resize": 1,
    "absolute": 1,
    "cls_normalizer": 1,
    "mask_scale": 1,
    "classfix": 0,
    "forced": 0,
    "show_details": 1,
    "B1": 0.9,
    "B2": 0.999,
    "stopbackward": 0,
    "dont_update": 0,
    "onlyforward": 0,
    "dontload": 0,
    "dontloadscales": 0,
    "adversarial_lr": 0,
    "attention": 0,
    "label_smooth_eps": 0,
    "time_steps": 1,
    "track": 0,
    "flipped": 0,
    "binary": 0,
    "xnor": 0,
    "bin_output": 0,
    "reverse": 0,
    "extra": 0,
    "flatten": 0,
    "background": 0,
    "reorg": 0,
    "log": 0,
}
"""Values with which keys that are not used change nothing."""
_GREEDY = "greedynms"


def unused_lines(cfg: Cfg) -> list[str]:
    """What is not used here, line by line: keys that darknet does not have, or that change the training or the
    detections there. Those that change the shape of the network are refused elsewhere."""
    told: list[tuple[int, str]] = []
    for section in (cfg.net, *cfg.layers):
        kind = "net" if section is cfg.net else long_name(section.kind)
        for key, value in section.values.items():
            if not _is_used(kind, section, key):
                told.append((value.line, f"not used here: line {value.line}: {key}={value.text}"))
        for key, value in section.repeated:
            first = section.values[key]
            if first.text == value.text:
                continue
            text = f"not used here: line {value.line}: {key}={value.text}, since {key}={first.text} stands in line {first.line}"
            told.append((value.line, text))
    return [*told_of_batch(cfg.net), *[text for _, text in sorted(told)]]


def _is_used(kind: str, section: Section, key: str) -> bool:
    if key in _USED.get(kind, frozenset[str]()):
        return True
    text = section.text(key, "")
    if kind == "yolo" and key in ("counters_per_class", "cls_normalizer"):
        counts = section.numbers("counters_per_class", ())
        return len(counts) == classes_of(section) or (key == "cls_normalizer" and _is(text, 1))
    if key == "nms_kind":
        return text in (_GREEDY, "default")
    if key == "beta_nms":
        return section.text("nms_kind", "default") in (_GREEDY, "default")
    return key in _NEUTRAL and _is(text, _NEUTRAL[key])


def _is(text: str, number: float) -> bool:
    try:
        return float(text) == number
    except ValueError:
        return False
