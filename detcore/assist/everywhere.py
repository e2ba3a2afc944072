"""What a run proposes on all images that nobody has labelled yet, to be accepted in one step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from detcore.assist.deciding import Accepted, labels_of
from detcore.assist.proposals import Found, Thresholds, proposed_rows
from detcore.errors import Cancelled
from detcore.project.edits import Edit, add_boxes, combine, set_status
from detcore.project.operations import operation
from detcore.project.reading import ProjectReader
from detcore.project.verdict_rows import Verdict
from detcore.project.verdicts import read_verdicts
from detcore.types import IntArray, Status

Progress = Callable[[int, int], bool]
LEAST_SCORE = 0.05
"""Nobody takes over what a detector is less sure of."""
_TOLD = 100
"""Images between two words on how far it is."""


def proposed_everywhere(project: ProjectReader, found: Found, *, progress: Progress) -> IntArray:
    """Rows of the run's detections from a score of ``LEAST_SCORE`` on, of the images in the order of the list that have no
    boxes and are not verified, those of an image best first.

    Raises:
        Cancelled: ``progress`` returned false.
    """
    images = project.image_list()
    seen = np.isin(images.ids, np.fromiter(found.looked_at, np.int64, len(found.looked_at)))
    image_ids: list[int] = images.ids[~images.labelled & seen].tolist()
    verdicts: defaultdict[int, list[Verdict]] = defaultdict(list)
    for verdict in read_verdicts(project):
        verdicts[verdict.image_id].append(verdict)
    class_ids = [item.id for item in project.classes()]
    rows = [np.zeros(0, np.int64)]
    for number, image_id in enumerate(image_ids):
        if number % _TOLD == 0 and not progress(number, len(image_ids)):
            raise Cancelled("looking for proposals was cancelled")
        rows.append(
            proposed_rows(
                found,
                image_id,
                boxes=(),
                verdicts=verdicts[image_id],
                thresholds=Thresholds(overall=LEAST_SCORE),
                class_ids=class_ids,
            )
        )
    return np.concatenate(rows)


def accept_everywhere(project: ProjectReader, found: Found, rows: Sequence[int]) -> Edit:
    """Proposals on many images become labels. The images are in progress from here on: nobody has looked at them.
    Those that somebody has labelled or taken away meanwhile stay as they are."""
    images = project.image_list()
    open_ids = set(images.ids[~images.labelled].tolist())
    owners: list[int] = found.detections.image_ids[list(rows)].tolist()
    wanted = [Accepted(row=row) for row, owner in zip(rows, owners, strict=True) if owner in open_ids]
    boxes = labels_of(project, found, wanted)
    image_ids = sorted({box.image_id for box in boxes})
    edits = [add_boxes(project, boxes), set_status(project, image_ids, Status.IN_PROGRESS)]
    return combine(operation("accept_proposals", count=len(boxes)), edits)
