"""Boxes as the columns that the evaluation takes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detcore.types import Box, GroundTruth


def ground_truth(boxes: Sequence[Box]) -> GroundTruth:
    """One row for each box; the area is that of the box unless ``extra['area']`` says else."""
    xyxy = np.array([box.xyxy for box in boxes], dtype=np.float64).reshape(-1, 4)
    sides = (xyxy[:, 2] - xyxy[:, 0]) * (xyxy[:, 3] - xyxy[:, 1])
    areas = [float(box.extra.get("area", side)) for box, side in zip(boxes, sides, strict=True)]
    return GroundTruth(
        ids=np.array([box.id for box in boxes], dtype=np.int64),
        image_ids=np.array([box.image_id for box in boxes], dtype=np.int64),
        labels=np.array([box.class_id for box in boxes], dtype=np.int64),
        boxes=xyxy,
        areas=np.array(areas, dtype=np.float64),
        crowd=np.array([box.crowd for box in boxes], dtype=np.bool_),
        difficult=np.array([box.difficult for box in boxes], dtype=np.bool_),
    )
