"""One place for each object, the cheapest whole (Carion et al. 2020; Kuhn 1955)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from detcore.zoo.parts.assigners.assigned import Assigned, all_background
from detcore.zoo.parts.losses.iou import paired_iou
from detcore.zoo.parts.places import Places


@dataclass(frozen=True, slots=True)
class Hungarian:
    """The cost of a pair is −``class_weight`` · score + ``box_weight`` · L1 of the corners over the extent of the places − ``overlap_weight`` · GIoU, DETR's
    weights. Nothing is suppressed later: a network that learns so tells each object once."""

    class_weight: float = 1.0
    box_weight: float = 5.0
    overlap_weight: float = 2.0

    def __call__(
        self, places: Places, scores: Tensor, boxes: Tensor, gt_boxes: Tensor, gt_labels: Tensor
    ) -> Assigned:
        objects = all_background(places)
        if not len(gt_boxes):
            return Assigned(objects=objects)
        extent = places.points.max(dim=0).values.repeat(2).clamp(min=1)
        distance = ((gt_boxes[:, None] - boxes[None]) / extent).abs().sum(dim=-1)
        giou = paired_iou(gt_boxes[:, None], boxes[None], "giou")
        chance = scores[:, gt_labels].T
        cost = self.box_weight * distance - self.class_weight * chance - self.overlap_weight * giou
        rows, columns = cheapest_pairs(cost.nan_to_num(1e6, 1e6, 1e6).double().cpu().numpy())
        objects[objects.new_tensor(columns)] = objects.new_tensor(rows)
        return Assigned(objects=objects)


def cheapest_pairs(cost: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of pairs of a table (N, M), as many as its shorter side is long, each row and column once at most, whose sum is the
    least there is. Row by row along the shortest path to a free column (Jonker and Volgenant 1987), N² · M steps."""
    if cost.shape[0] > cost.shape[1]:
        columns, rows = cheapest_pairs(cost.T)
        return rows, columns
    count, width = cost.shape
    row_price, price = np.zeros(count), np.zeros(width)
    owner = np.full(width, -1)
    for row in range(count):
        path, distance = np.full(width, -1), np.full(width, np.inf)
        seen, column, at, length = np.zeros(width, np.bool_), -1, row, 0.0
        while at >= 0:
            reach = length + cost[at] - row_price[at] - price
            shorter = ~seen & (reach < distance)
            distance[shorter], path[shorter] = reach[shorter], column
            column = int(np.where(seen, np.inf, distance).argmin())
            length, at = float(distance[column]), int(owner[column])
            seen[column] = True
        row_price[row] += length
        inner = seen.copy()
        inner[column] = False
        gain = length - distance[inner]
        row_price[owner[inner]] += gain
        price[inner] -= gain
        while column >= 0:
            before = int(path[column])
            owner[column] = row if before < 0 else owner[before]
            column = before
    columns = np.flatnonzero(owner >= 0)
    return owner[columns], columns
