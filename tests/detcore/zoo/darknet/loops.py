"""Darknet's deltas as plain loops over plain numbers, written from the formulas of its yolo, region and detection layers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Box = tuple[float, float, float, float]
"""x, y of the middle, width and height, as shares of the image."""
Truth = tuple[Box, int]
Rules = Mapping[str, float | str]


def logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def overlap(x1: float, w1: float, x2: float, w2: float) -> float:
    return min(x1 + w1 / 2, x2 + w2 / 2) - max(x1 - w1 / 2, x2 - w2 / 2)


def iou(a: Box, b: Box) -> float:
    w, h = overlap(a[0], a[2], b[0], b[2]), overlap(a[1], a[3], b[1], b[3])
    shared = 0.0 if w < 0 or h < 0 else w * h
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def iou_delta(pred: Box, truth: Box, kind: str) -> list[float]:
    """Darknet's dx, dy, dw, dh."""
    pt, pb, pl, pr = (
        pred[1] - pred[3] / 2,
        pred[1] + pred[3] / 2,
        pred[0] - pred[2] / 2,
        pred[0] + pred[2] / 2,
    )
    tt, tb, tl, tr = (
        truth[1] - truth[3] / 2,
        truth[1] + truth[3] / 2,
        truth[0] - truth[2] / 2,
        truth[0] + truth[2] / 2,
    )
    area, area_hat = (pb - pt) * (pr - pl), (tb - tt) * (tr - tl)
    ih, iw = min(pb, tb) - max(pt, tt), min(pr, tr) - max(pl, tl)
    inter = iw * ih
    union = area + area_hat - inter
    cw, ch = max(pr, tr) - min(pl, tl), max(pb, tb) - min(pt, tt)
    hull = cw * ch
    d_area = {"t": -(pr - pl), "b": pr - pl, "l": -(pb - pt), "r": pb - pt}
    d_inter = {
        "t": -iw if pt > tt else 0.0,
        "b": iw if pb < tb else 0.0,
        "l": -ih if pl > tl else 0.0,
        "r": ih if pr < tr else 0.0,
    }
    d_union = {side: d_area[side] - d_inter[side] for side in "tblr"}
    d_hull = {
        "t": -cw if pt < tt else 0.0,
        "b": cw if pb > tb else 0.0,
        "l": -ch if pl < tl else 0.0,
        "r": ch if pr > tr else 0.0,
    }
    p = {
        side: (union * d_inter[side] - inter * d_union[side]) / union**2 if union > 0 else 0.0
        for side in "tblr"
    }
    apart = iw <= 0 or ih <= 0
    if kind == "giou":
        for side in "tblr":
            more = (hull * d_union[side] - union * d_hull[side]) / hull**2
            p[side] = more if apart else p[side] + more
    dx, dy, dw, dh = p["l"] + p["r"], p["t"] + p["b"], p["r"] - p["l"], p["b"] - p["t"]
    if kind not in ("diou", "ciou"):
        return [dx, dy, dw, dh]
    s = (pred[0] - truth[0]) ** 2 + (pred[1] - truth[1]) ** 2
    c = cw**2 + ch**2
    right, left, bottom, top = float(pr > tr), float(pl < tl), float(pb > tb), float(pt < tt)
    more_x = (2 * (truth[0] - pred[0]) * c - 2 * cw * (right - left) * s) / c**2
    more_y = (2 * (truth[1] - pred[1]) * c - 2 * ch * (bottom - top) * s) / c**2
    more_w = 2 * cw * (0.5 * right + 0.5 * left) * s / c**2
    more_h = 2 * ch * (0.5 * bottom + 0.5 * top) * s / c**2
    if kind == "ciou":
        angle = math.atan(truth[2] / truth[3]) - math.atan(pred[2] / pred[3])
        loss = 4 / math.pi**2 * angle**2
        alpha = loss / (1 - inter / union + loss + 0.000001)
        more_w += alpha * 8 / math.pi**2 * angle * pred[3]
        more_h += alpha * -8 / math.pi**2 * angle * pred[2]
    if apart:
        return [more_x, more_y, more_w, more_h]
    return [dx + more_x, dy + more_y, dw + more_w, dh + more_h]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A layer over ``columns`` × ``rows`` cells of an image of ``width`` × ``height`` pixels; ``mask`` are its ``anchors``."""

    columns: int
    rows: int
    width: int
    height: int
    anchors: Sequence[tuple[float, float]]
    mask: Sequence[int]
    classes: int

    def place(self, row: int, column: int, n: int) -> int:
        return (row * self.columns + column) * len(self.mask) + n


def number(rules: Rules, key: str, default: float) -> float:
    return float(rules.get(key, default))


def yolo_deltas(
    grid: Grid, raw: Sequence[Sequence[float]], truths: Sequence[Truth], rules: Rules
) -> list[list[float]]:
    """What Bochkovskiy's program adds to each of (places, 5 + classes) numbers."""
    new, stretch = bool(number(rules, "new_coords", 0)), number(rules, "scale_x_y", 1)
    smooth = bool(number(rules, "objectness_smooth", 0))
    kind, limit = str(rules.get("iou_loss", "mse")), number(rules, "max_delta", math.inf)
    counters = [float(word) for word in str(rules.get("counters_per_class", "")).split(",") if word]
    multipliers = [min(max(counters) / count, limit) for count in counters]
    norm = number(rules, "obj_normalizer", 1)
    output = [
        [logistic(value) if new or index not in (2, 3) else value for index, value in enumerate(line)]
        for line in raw
    ]
    for line in output:
        for index in (0, 1):
            line[index] = line[index] * stretch - 0.5 * (stretch - 1)
    delta = [[0.0] * len(line) for line in raw]

    def box(row: int, column: int, n: int) -> Box:
        x = output[grid.place(row, column, n)]
        anchor = grid.anchors[grid.mask[n]]
        sides = [4 * x[2] ** 2, 4 * x[3] ** 2] if new else [math.exp(x[2]), math.exp(x[3])]
        return (
            (column + x[0]) / grid.columns,
            (row + x[1]) / grid.rows,
            sides[0] * anchor[0] / grid.width,
            sides[1] * anchor[1] / grid.height,
        )

    def learn_box(truth: Box, row: int, column: int, n: int, weight: float) -> None:
        at = grid.place(row, column, n)
        x, anchor = output[at], grid.anchors[grid.mask[n]]
        share = number(rules, "iou_normalizer", 0.75) * weight
        if kind == "mse":
            wanted = [truth[0] * grid.columns - column, truth[1] * grid.rows - row]
            for side, length in ((0, grid.width), (1, grid.height)):
                growth = truth[2 + side] * length / anchor[side]
                wanted.append(math.sqrt(growth / 4) if new else math.log(growth))
            scale = 2 - truth[2] * truth[3]
            found = [scale * (wanted[index] - x[index]) * share for index in range(4)]
        else:
            found = iou_delta(box(row, column, n), truth, kind)
            if not new:
                found = [*found[:2], found[2] * math.exp(x[2]), found[3] * math.exp(x[3])]
            found = [max(-limit, min(limit, value * share)) for value in found]
        for index in range(4):
            delta[at][index] += found[index]

    def learn_class(at: int, label: int) -> None:
        eps = number(rules, "label_smooth_eps", 0)
        if delta[at][5 + label]:
            delta[at][5 + label] = (1 - eps + 0.5 * eps) - output[at][5 + label]
            delta[at][5 + label] *= multipliers[label] if multipliers else 1
            return
        chance = output[at][5 + label] + 1e-15
        focal = 0.5 * -(1 - chance) * (2 * chance * math.log(chance) + chance - 1)
        for index in range(grid.classes):
            y = float(index == label)
            if number(rules, "focal_loss", 0):
                delta[at][5 + index] = (y - output[at][5 + index]) * focal
                continue
            y = y * (1 - eps) + 0.5 * eps if eps else y
            delta[at][5 + index] = y - output[at][5 + index]
            if multipliers and index == label:
                delta[at][5 + index] *= multipliers[label] * number(rules, "cls_normalizer", 1)

    for row in range(grid.rows):
        for column in range(grid.columns):
            for n in range(len(grid.mask)):
                at = grid.place(row, column, n)
                best_match = best = 0.0
                best_truth = 0
                sure = any(value > 0.25 for value in output[at][5:])
                for t, (truth, _) in enumerate(truths):
                    found = iou(box(row, column, n), truth)
                    if found > best_match and sure:
                        best_match = found
                    if found > best:
                        best, best_truth = found, t
                delta[at][4] = norm * (0 - output[at][4])
                if best_match > number(rules, "ignore_thresh", 0.5):
                    delta[at][4] = max(delta[at][4], norm * (best_match - output[at][4])) if smooth else 0.0
                if best > number(rules, "truth_thresh", 1):
                    delta[at][4] = norm * (1 - output[at][4])
                    truth, label = truths[best_truth]
                    learn_class(at, label)
                    learn_box(truth, row, column, n, 1.0)

    def learn(truth: Box, label: int, row: int, column: int, n: int) -> None:
        at = grid.place(row, column, n)
        weight = multipliers[label] if multipliers else 1.0
        learn_box(truth, row, column, n, weight)
        if not smooth or delta[at][4] == 0:
            delta[at][4] = weight * norm * (1 - output[at][4])
        learn_class(at, label)

    for truth, label in truths:
        column, row = int(truth[0] * grid.columns), int(truth[1] * grid.rows)
        shape = (0.0, 0.0, truth[2], truth[3])
        likeness = [
            iou((0.0, 0.0, anchor[0] / grid.width, anchor[1] / grid.height), shape) for anchor in grid.anchors
        ]
        best_n = likeness.index(max(likeness))
        if best_n in grid.mask:
            learn(truth, label, row, column, list(grid.mask).index(best_n))
        for n, anchor in enumerate(grid.mask):
            if (
                anchor != best_n
                and likeness[anchor] > number(rules, "iou_thresh", 1)
                and "iou_thresh" in rules
            ):
                learn(truth, label, row, column, n)
    if number(rules, "iou_thresh", 1) < 1:
        for line in delta:
            classes = sum(value > 0 for value in line[5:])
            if line[4] != 0 and classes:
                for index in range(4):
                    line[index] /= classes
    if new:  # the logistic function is of the layer before, and the delta goes through it
        for line, values in zip(delta, raw, strict=True):
            for index, value in enumerate(values):
                line[index] *= logistic(value) * (1 - logistic(value))
    return delta


def region_deltas(
    grid: Grid, raw: Sequence[Sequence[float]], truths: Sequence[Truth], rules: Rules, *, seen: int
) -> list[list[float]]:
    """What Redmon's program adds; anchors are in cells."""
    output = [[*map(logistic, line[:2]), *line[2:4], logistic(line[4]), *line[5:]] for line in raw]
    for line in output:
        if number(rules, "softmax", 0):
            total = sum(math.exp(value) for value in line[5:])
            line[5:] = [math.exp(value) / total for value in line[5:]]
        else:
            line[5:] = [logistic(value) for value in line[5:]]
    delta = [[0.0] * len(line) for line in raw]

    def box(row: int, column: int, n: int) -> Box:
        x, anchor = output[grid.place(row, column, n)], grid.anchors[n]
        return (
            (column + x[0]) / grid.columns,
            (row + x[1]) / grid.rows,
            math.exp(x[2]) * anchor[0] / grid.columns,
            math.exp(x[3]) * anchor[1] / grid.rows,
        )

    def learn_box(truth: Box, row: int, column: int, n: int, scale: float) -> float:
        at = grid.place(row, column, n)
        anchor = grid.anchors[n]
        wanted = [
            truth[0] * grid.columns - column,
            truth[1] * grid.rows - row,
            math.log(truth[2] * grid.columns / anchor[0]),
            math.log(truth[3] * grid.rows / anchor[1]),
        ]
        delta[at][:4] = [scale * (wanted[index] - output[at][index]) for index in range(4)]
        return iou(box(row, column, n), truth)

    for row in range(grid.rows):
        for column in range(grid.columns):
            for n, anchor in enumerate(grid.anchors):
                at = grid.place(row, column, n)
                best = max([0.0, *[iou(box(row, column, n), truth) for truth, _ in truths]])
                delta[at][4] = number(rules, "noobject_scale", 1) * (0 - output[at][4])
                if best > number(rules, "thresh", 0.5):
                    delta[at][4] = 0.0
                if seen < 12800:
                    prior = (
                        (column + 0.5) / grid.columns,
                        (row + 0.5) / grid.rows,
                        anchor[0] / grid.columns,
                        anchor[1] / grid.rows,
                    )
                    learn_box(prior, row, column, n, 0.01)
    for truth, label in truths:
        column, row = int(truth[0] * grid.columns), int(truth[1] * grid.rows)
        best, best_n = 0.0, 0
        for n, anchor in enumerate(grid.anchors):
            shape = box(row, column, n)
            if number(rules, "bias_match", 0):
                shape = (0.0, 0.0, anchor[0] / grid.columns, anchor[1] / grid.rows)
            found = iou((0.0, 0.0, *shape[2:]), (0.0, 0.0, *truth[2:]))
            if found > best:
                best, best_n = found, n
        at = grid.place(row, column, best_n)
        scale = number(rules, "coord_scale", 1) * (2 - truth[2] * truth[3])
        fit = learn_box(truth, row, column, best_n, scale)
        wanted = fit if number(rules, "rescore", 0) else 1.0
        delta[at][4] = number(rules, "object_scale", 1) * (wanted - output[at][4])
        for index in range(grid.classes):
            delta[at][5 + index] = number(rules, "class_scale", 1) * (
                float(index == label) - output[at][5 + index]
            )
    return delta


def detection_deltas(
    side: int, boxes: int, classes: int, raw: Sequence[float], truths: Sequence[Truth], rules: Rules
) -> list[float]:
    """What Redmon's program adds to the numbers of a ``[detection]`` layer in their order."""
    cells = side * side
    delta = [0.0] * len(raw)
    rooted = bool(number(rules, "sqrt", 0))
    first: dict[int, Truth] = {}
    for box, label in truths:
        first.setdefault(int(box[1] * side) * side + int(box[0] * side), (box, label))
    for cell in range(cells):
        for j in range(boxes):
            at = cells * classes + cell * boxes + j
            delta[at] = number(rules, "noobject_scale", 1) * (0 - raw[at])
        if cell not in first:
            continue
        truth, label = first[cell]
        for j in range(classes):
            delta[cell * classes + j] = number(rules, "class_scale", 1) * (
                float(j == label) - raw[cell * classes + j]
            )
        shown = (truth[0] * side - cell % side, truth[1] * side - cell // side, *truth[2:])
        within = (shown[0] / side, shown[1] / side, *truth[2:])
        best, best_iou, best_rmse = -1, 0.0, 20.0
        fits: list[float] = []
        for j in range(boxes):
            at = cells * (classes + boxes) + (cell * boxes + j) * 4
            x, y, w, h = raw[at : at + 4]
            out = (x / side, y / side, w * w if rooted else w, h * h if rooted else h)
            fits.append(iou(out, within))
            rmse = math.sqrt(sum((a - b) ** 2 for a, b in zip(out, within, strict=True)))
            if best_iou > 0 or fits[j] > 0:
                if fits[j] > best_iou:
                    best, best_iou = j, fits[j]
            elif rmse < best_rmse:
                best, best_rmse = j, rmse
        if number(rules, "forced", 0):
            best = 1 if truth[2] * truth[3] < 0.1 else 0
        at = cells * classes + cell * boxes + best
        wanted = fits[best] if number(rules, "rescore", 0) else 1.0
        delta[at] = number(rules, "object_scale", 1) * (wanted - raw[at])
        at = cells * (classes + boxes) + (cell * boxes + best) * 4
        told = [*shown[:2], *(math.sqrt(value) if rooted else value for value in shown[2:])]
        for index in range(4):
            delta[at + index] = number(rules, "coord_scale", 1) * (told[index] - raw[at + index])
    return delta
