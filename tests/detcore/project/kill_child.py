"""The process that ``test_store_kill`` kills: edits, or imports, without end, and says so at each."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from detcore.project.edits import Edit, add_boxes, combine, delete_boxes
from detcore.project.project import Project
from detcore.types import Box
from tests.detcore.project.store_helpers import arriving, bring_in

KEPT = 20
ARRIVING = [f"new/{number:03}.jpg" for number in range(200)]
"""Images of an import that are not in the project before."""
SETUP_EDITS = 1


def edits_so_far(project: Project) -> int:
    with project.database.read() as connection:
        return (connection.execute("SELECT max(id) FROM edit").fetchone()[0] or 0) - SETUP_EDITS


def boxes_of(number: int) -> list[tuple[float, float]]:
    """(x1, y1) of the boxes that edit ``number`` adds; a few hundred now and then, so that kills hit long edits."""
    count = 400 if number % 29 == 0 else 1 + number % 5
    return [(float(number), float(k)) for k in range(count)]


def boxes_after(number: int) -> set[tuple[float, float]]:
    """(x1, y1) of all boxes once edit ``number`` is in: those of the last ``KEPT`` edits."""
    return {place for n in range(max(1, number - KEPT + 1), number + 1) for place in boxes_of(n)}


def replace_oldest(project: Project, number: int, added: list[Box]) -> Edit:
    old = [item.id for item in project.boxes(1) if item.x1 == number - KEPT]
    return combine(f"Edit {number}", [add_boxes(project, added), delete_boxes(project, old)])


def make_edits(project: Project, first: int) -> None:
    number = first
    while True:
        added = [
            Box(id=0, image_id=1, class_id=1, x1=x, y1=y, x2=x + 5, y2=y + 5) for x, y in boxes_of(number)
        ]
        project.edit(replace_oldest, number, added)
        os.write(1, f"{number}\n".encode())
        number += 1


def import_and_undo(folder: Path) -> None:
    """Import into the project and take it back, over and over, with what opening has to put in order."""
    while True:
        os.write(1, b"1\n")
        with Project.open(folder) as project:
            if project.undo_text != "Import birds":
                bring_in(project, arriving([*project.image_list().paths, *ARRIVING]))
            project.undo()


if __name__ == "__main__":
    if sys.argv[2] == "import":
        import_and_undo(Path(sys.argv[1]))
    with Project.open(Path(sys.argv[1])) as opened:
        make_edits(opened, edits_so_far(opened) + 1)
