"""The project store: opening 100,000 images, edits and undo a second, a large import."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from detcore.project.edits import add_boxes, add_class, update_boxes
from detcore.project.project import Project
from detcore.types import Box
from tests.benchmarks.figures import Figure, best_of, seconds

IMAGES = 100_000
EDITS = 1_000
IMPORTED = 5_000


def main() -> list[Figure]:
    """Measure with a project on the disk of the temporary folder."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        folder = root / "large.reticle"
        paths = [f"part_{number // 1000:03}/photo_{number:06}.jpg" for number in range(IMAGES)]
        create = seconds(lambda: Project.create(folder, image_root=root, image_paths=paths).close())
        figures = [Figure(name=f"make a project of {IMAGES:,} paths", value=create, unit="s", aim=1.0)]
        figures.append(
            Figure(
                name=f"open it and read the list of {IMAGES:,} images",
                value=best_of(3, lambda: _open_and_list(folder)),
                unit="s",
                aim=0.5,
            )
        )
        with Project.open(folder) as project:
            figures += _edits(project)
        return figures


def _open_and_list(folder: Path) -> None:
    with Project.open(folder) as project:
        listed = project.image_list()
        if len(listed.ids) != IMAGES:
            raise AssertionError(f"{len(listed.ids)} images of {IMAGES}")


def _edits(project: Project) -> list[Figure]:
    project.edit(add_class, "thing")
    class_id = project.classes()[0].id
    images = project.image_ids()
    drawn = [_box(image_id, class_id, x=10.0) for image_id in images[:EDITS]]
    draw = _rate(lambda: [project.edit(add_boxes, [box]) for box in drawn])
    stored = project.all_boxes(images[:EDITS])
    moved = [_box(box.image_id, class_id, x=30.0, box_id=box.id) for box in stored]
    move = _rate(lambda: [project.edit(update_boxes, [box]) for box in moved])
    undo = _rate(lambda: [project.undo() for _ in range(EDITS)])
    many = [_box(images[number], class_id, x=50.0) for number in range(IMPORTED)]
    together = seconds(lambda: project.edit(add_boxes, many))
    return [
        Figure(name="draw a box, committed", value=draw, unit="/s", aim=1000, more_is_better=True),
        Figure(name="move a box, committed", value=move, unit="/s", aim=1000, more_is_better=True),
        Figure(name="undo, committed", value=undo, unit="/s", aim=1000, more_is_better=True),
        Figure(name=f"add {IMPORTED:,} boxes in one edit", value=together, unit="s", aim=0.5),
    ]


def _box(image_id: int, class_id: int, *, x: float, box_id: int = 0) -> Box:
    return Box(id=box_id, image_id=image_id, class_id=class_id, x1=x, y1=10.0, x2=x + 20.0, y2=40.0)


def _rate(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return EDITS / (time.perf_counter() - start)


if __name__ == "__main__":
    from tests.benchmarks.figures import table

    print(table(main()))
