"""The predictions in Label Studio's tasks. Those of the model version that has seen the most images count."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from detcore.errors import FormatError
from detcore.exchange.detections.raw import RawDetections, Rows
from detcore.formats.base import Progress
from detcore.formats.common.text import decode
from detcore.formats.label_studio.reading import read_predictions
from detcore.formats.sniffing import json_head, read_head


def is_label_studio_results(source: Path) -> bool:
    """Whether a file starts with tasks that have predictions, not an empty list of them. Little of it is read."""
    if source.suffix.lower() != ".json" or not source.is_file():
        return False
    head = json_head(source)
    start = "".join(decode(read_head(source))[0].split())
    return head is not None and {"data", "predictions"} <= head.keys.keys() and '"predictions":[{' in start


def read_label_studio_results(
    source: Path, *, image_folder: Path | None, progress: Progress
) -> RawDetections:
    """See :class:`DetectionReader`. Images that the model was asked about are named, also where it has found nothing."""
    predictions, problems = read_predictions(source, image_folder=image_folder, progress=progress)
    if not predictions:
        raise FormatError("no task here has predictions", path=source)
    models = Counter(item.model for item in predictions)
    chosen = models.most_common(1)[0][0]
    rows = Rows("box")
    number = 0
    for item in predictions:
        if item.model == chosen:
            rows.see(item.image.as_posix())
            for label, box, score in item.boxes:
                number += 1
                rows.add(item.image.as_posix(), label, box, score, source, number)
    rows.problems += problems
    others = ", ".join(sorted(name or "without a version" for name in models if name != chosen))
    notes = (
        [f"Of several models {chosen or 'the one without a version'} counts, not {others}."] if others else []
    )
    return rows.raw(names_all=True, notes=notes)
