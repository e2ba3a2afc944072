"""A script in place of the trainings and predictions of folds, which takes no time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]

_SCRIPT = """
import json, sys, time
from pathlib import Path
import numpy as np
from detcore.project.runs import RunFolder, save_detections
from detcore.project.snapshot import Snapshot
from detcore.types import Detections, LabelAnswers

behaviour, verb, run = sys.argv[1], sys.argv[2], RunFolder(Path(sys.argv[3]))
def say(**fields):
    line = json.dumps(fields)
    print(line, flush=True)
    if verb == "train":
        with run.events.open("a") as file:
            file.write(line + "\\n")
(run.path / "asked.txt").open("a").write(verb + "\\n")
if behaviour == f"fail {run.name}":
    say(event="failed", failure="bad_input", message="no good")
    sys.exit(65)
snapshot = Snapshot.load(run.snapshot)
if verb == "train":
    images = sum(image.split == "train" for image in snapshot.images)
    say(event="started", time=0.0, step=0, device="cpu", device_name="CPU", images=images)
    for step in (1, 2):
        say(event="step", step=step, epoch=step, time=step * 10.0, fraction=step / 2, remaining=0.0,
            learning_rate=0.1, losses={"all": 1.0}, images_per_second=1.0)
    say(event="validation", step=2, epoch=2, time=20.0, metrics={"AP": 0.25}, per_class={}, best=True)
    if behaviour == f"wait {run.name}":
        sys.stdin.readline()
        say(event="ended", reason="stopped", time=0.0)
        sys.exit(0)
else:
    held_out = [image.id for image in snapshot.images if image.split == sys.argv[5]]
    blind = {int(behaviour.split()[1])} & set(held_out) if behaviour.startswith("blind") else set()
    seen = sorted(set(held_out) - blind)
    truth = snapshot.only(seen).ground_truth
    say(event="progress", done=1, total=2, text="Predicting")
    if behaviour == f"warn {run.name}":
        say(event="log", level="warning", text="Left out: a.jpg: broken.")
    found = Detections(image_ids=truth.image_ids, labels=truth.labels, boxes=truth.boxes,
                       scores=np.full(len(truth), 0.5))
    count, score = len(truth), np.full(len(truth), 0.4)
    said = LabelAnswers(label_ids=truth.ids, image_ids=truth.image_ids, strange=np.zeros(count, bool),
                        labels=truth.labels, boxes=truth.boxes, well=score, close=score, other=score, near=score)
    save_detections(run, found, image_ids=seen, left_out=blind, answers=said)
say(event="ended", reason="completed", time=0.0)
"""


def worker(behaviour: str = "") -> Callable[..., list[str]]:
    """The command of one that trains in two steps and finds each object where it is, unless told to ``fail``,
    to ``wait`` or to ``warn`` in a fold (``fail 2``), or not to read an image (``blind 5``)."""

    def command(*arguments: str) -> list[str]:
        script = f"import sys; sys.path.insert(0, {str(REPOSITORY)!r})\n" + _SCRIPT
        return [sys.executable, "-c", script, behaviour, *arguments]

    return command
