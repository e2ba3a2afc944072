"""What it takes a person to label a set from nothing: by hand, with *Find similar*, with the learner beside them.

python -m tests.benchmarks effort --data DIR [--sets bccd cards] [--seeds 0 1 2] [--ways manual similar learner]
                                  [--images N] [--no-slider] [--json FILE]

``DIR`` holds the folders ``bccd`` and ``playing_cards``. A simulated user who knows the truth labels bare images in the real
window, with real events of keys and mouse, each of which is counted: the first 150 images of BCCD and 200 of the cards
in the order of a seed. At the end the project is exported and held against the truth.

**What the user does** (``effort_user``): an object without a proposal is drawn with one drag; its class takes a number key
where it is not that of the box before, so that objects are drawn class by class. A proposal is right with an IoU of 0.7 with
an object of its class, one for each object; loose from 0.3 on; misnamed with 0.7 and another class; else wrong. What is
misnamed is clicked and gets the key of its class; what is loose is clicked and dragged by a corner, or two; either is drawn
anew where that takes less. Then what is wrong is rejected, each by pointing at it and ``X``, and ``G`` accepts all that
is left, verifies and goes on; or what is right is clicked, each, and ``Space`` verifies and leaves the rest; whichever takes
fewer actions, and of these less time. To hide proposals would take a key and save none: a drag draws over them. Where it saves
more than it takes the user first drags the slider of the score, which shows more or less at once, also on the images
that follow; with ``--no-slider`` never.

**What is counted**: keys (a modifier is one), clicks and drags are actions. Seconds are those of the keystroke-level model:
a key 0.28, a click 1.1, a drag 1.5; to point without a press 1.1, and no action, as a click or drag has its pointing
within; a look 1.2 for an image and 0.2 for each box that is to be labelled or is proposed for nothing.

**Find similar**: on the first image, and where twenty have been passed, all its labels are selected and what is like them is
sought on the next twenty. On an image its key is pressed, once for a class, after a box was drawn of which two more objects or
more are missing and none is proposed. It looks again after each step, for which the user waits.

**The learner** is switched on at the first image. Before each image is left it gets a quarter of the seconds that the user would
have taken for it, by the clock, and sleeps else.

**labelImg** is not run: for each box ``W``, a drag, and in the dialog Enter where the class is that of the box before, else a
double click on it; ``D`` for the next image, saved automatically.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from PySide6.QtWidgets import QApplication

from app.label.page import LabelPage
from app.shell.application import make_application
from detcore.atomic import atomic_write
from detcore.project.runs import list_runs
from tests.benchmarks.effort_hands import Hands
from tests.benchmarks.effort_helpers import FindSimilar, Helper, Learner, Nobody
from tests.benchmarks.effort_report import MANUAL, Course, table
from tests.benchmarks.effort_sets import COUNTS, Boxes, Truth, ap50, exported, make_project, read_truth
from tests.benchmarks.effort_user import Does, Effort, Step, Thing, actions_left, in_labelimg, judge, plan
from tests.benchmarks.windows import close_window, open_window, wait_for

SIMILAR, LEARNER, LABELIMG = "similar", "learner", "labelImg"
WAYS = (MANUAL, SIMILAR, LEARNER)
SCORES = [step / 100 for step in range(6, 91, 4)]
"""From which the user might have proposals shown."""


def main(words: Sequence[str]) -> int:
    """Label, and print a table; ``--json`` is written after every course, so that it can be followed."""
    options = _parser().parse_args(words)
    app = make_application()
    courses: list[Course] = []
    for name, seed in product(options.sets, options.seeds):
        truth = read_truth(name, options.data, seed=seed, count=options.images or COUNTS[name])
        classes = [[truth.classes.index(label) for label, _ in boxes] for _, boxes in truth.images]
        courses.append(Course(set=name, seed=seed, way=LABELIMG, images=in_labelimg(classes)))
        for way in options.ways:
            with tempfile.TemporaryDirectory() as scratch:
                project_path = make_project(truth, Path(scratch))
                efforts, labelled = label_all(app, project_path, truth, way, slides=options.slider)
            right = ap50(labelled, [boxes for _, boxes in truth.images], truth.classes)
            courses.append(Course(set=name, seed=seed, way=way, images=efforts, ap50=right))
            sys.stderr.write(f"{name}, seed {seed}, {way}: {sum(one.actions for one in efforts)} actions\n")
            if options.json:
                with atomic_write(options.json) as temporary:
                    record = json.dumps([course.record() for course in courses], indent=1)
                    temporary.write_text(record, encoding="utf-8")
    sys.stdout.write(table(courses) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks effort",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", choices=sorted(COUNTS), default=sorted(COUNTS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--images", type=int, help="only so many of each set")
    parser.add_argument("--slider", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--json", type=Path)
    return parser


def label_all(
    app: QApplication, project_path: Path, truth: Truth, way: str, *, slides: bool = True
) -> tuple[list[Effort], list[Boxes]]:
    """Label a project of ``make_project`` in a window: the effort of each image, and the labels as they are exported."""
    window = open_window(app, project_path.parent)
    window.project_actions.open_path(project_path)
    document, page = window.context.document, window.label_page
    wait_for(app, lambda: page.viewer.is_showing)
    has_run = any(info.has_detections for info in list_runs(document.project))
    wait_for(app, lambda: page.proposals.run_proposes == has_run)
    try:
        user = User(app, page, way, slides=slides)
        efforts = [user.label(boxes) for _, boxes in truth.images]
        return efforts, exported(document.project, len(efforts), project_path.parent / "export")
    finally:
        close_window(window)


class User:
    """Labels one image after another in a window, in one of the ``WAYS``; ``slides``: with the slider of the score, too."""

    def __init__(self, app: QApplication, page: LabelPage, way: str, *, slides: bool) -> None:
        self._slides = slides
        self._class_ids = {item.name: item.id for item in page.context.document.project.classes()}
        page.canvas.setFocus()
        wait_for(app, page.canvas.hasFocus)
        self._hands = Hands(app, page)
        self._hands.press("label.draw_tool")
        self._helper: Helper = Nobody()
        if way == SIMILAR:
            self._helper = FindSimilar(app, page, self._hands)
        elif way == LEARNER:
            self._helper = Learner(page, self._hands)

    def label(self, boxes: Boxes) -> Effort:
        """Label the image that is shown, of which this is the truth, and go on to the next. What it took."""
        hands = self._hands
        objects = [Thing(class_id=self._class_ids[name], xyxy=xyxy) for name, xyxy in boxes]
        if self._slides and hands.can_slide:
            self._slide(objects)
        hands.effort += Effort(images=1, boxes=judge(hands.see(objects)).looked_at)
        last = self._work(objects)
        self._helper.before_leaving((hands.effort + last.effort).seconds)
        hands.do(self._work(objects))  # something else may be proposed by now
        effort, hands.effort = hands.effort, Effort()
        return effort

    def _work(self, objects: Sequence[Thing]) -> Step:
        """Do what is to be done, one step after another, until the last is left: that."""
        while True:
            step = plan(self._hands.see(objects))[0]
            if step.does in (Does.ACCEPT_ALL, Does.VERIFY):
                return step
            self._hands.do(step)
            self._helper.after_step(step, objects)

    def _slide(self, objects: Sequence[Thing]) -> None:
        """Show more or less, where that saves more than it takes."""
        hands = self._hands
        left = {score: actions_left(hands.see(objects, from_score=score)) for score in SCORES}
        best = min(SCORES, key=lambda score: (left[score], abs(score - hands.score)))
        if left[best] + 1 < actions_left(hands.see(objects)):
            hands.slide(best)
