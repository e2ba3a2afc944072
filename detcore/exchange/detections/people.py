"""Labels of another person, in any format that Reticle reads, as detections of which each is sure."""

from __future__ import annotations

from pathlib import Path

from detcore.errors import FormatError
from detcore.exchange.detections.raw import RawDetections, Rows
from detcore.formats.base import Problem, Progress
from detcore.formats.spec import FormatSpec
from detcore.wording import counted


def read_labels(
    spec: FormatSpec, source: Path, *, image_folder: Path | None, progress: Progress
) -> RawDetections:
    """The boxes of a dataset with a score of 1. Images are named by their whole paths, where the dataset or ``image_folder`` has
    them; those that are labelled count as looked at. Crowds are left out: each is more than one object.

    Raises:
        FormatError: there is no dataset of that format, or it labels nothing.
        Cancelled: ``progress`` returned ``False``.
    """
    dataset, problems = spec.read(source.absolute(), image_folder=image_folder, progress=progress)
    rows = Rows("box")
    crowds = number = 0
    for image in dataset.images:
        if not image.labelled:
            continue
        name = image.path.as_posix()
        rows.see(name)
        for box in image.boxes:
            number += 1
            if box.crowd:
                crowds += 1
            else:
                rows.add(name, dataset.classes[box.label].name, box.xyxy, 1.0, source, number)
    if not any(image.labelled for image in dataset.images):
        raise FormatError("no image here is labelled", path=source)
    if crowds:
        message = f"{counted(crowds, 'crowd')} left out: each is more than one object"
        rows.problems.append(Problem(path=source, message=message))
    rows.problems += problems
    return rows.raw(names_all=True, by_person=True)
