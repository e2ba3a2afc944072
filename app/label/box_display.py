"""Labels as the canvas shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtGui import QColor

from app.canvas.display import DisplayBoxes, LineStyle
from detcore.types import Box, ObjectClass


def display_boxes(boxes: Sequence[Box], classes: Mapping[int, ObjectClass]) -> DisplayBoxes:
    """Labels in their class colours with their class names; difficult ones are hatched."""
    colors = {item.id: QColor(item.color).rgba() for item in classes.values()}
    return DisplayBoxes(
        ids=np.array([box.id for box in boxes], np.int64),
        boxes=np.array([box.xyxy for box in boxes], np.float64).reshape(-1, 4),
        colors=np.array([colors[box.class_id] for box in boxes], np.uint32),
        styles=np.full(len(boxes), LineStyle.SOLID, np.uint8),
        hatched=np.array([box.difficult for box in boxes], np.bool_),
        names=[classes[box.class_id].name for box in boxes],
        editable=np.ones(len(boxes), np.bool_),
    )
