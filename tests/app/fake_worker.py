"""Stands in for the worker process: prints the event lines of a run as its first argument tells.

    fake_worker.py BEHAVIOUR train RUN_DIR --attempt N

It writes the same lines to events.jsonl, as the real one does. Steps go on from the last checkpoint.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np

from detcore.jobs.events import (
    Checkpoint,
    Ended,
    EndReason,
    Event,
    Failed,
    FailureKind,
    Log,
    Progress,
    Started,
    Step,
    Validation,
    encode,
)
from detcore.project.runs import RunFolder, save_detections
from detcore.project.snapshot import Snapshot
from detcore.types import Detections

STEP_SECONDS = 0.01
CHECKPOINT_EVERY = 10


class FakeRun:
    def __init__(self, folder: Path, *, steps: int) -> None:
        self.folder, self.steps = folder, steps
        self.asked: list[str] = []
        marker = folder / "last.txt"
        self.step = int(marker.read_text()) if marker.is_file() else 0
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self) -> None:
        for line in sys.stdin:
            self.asked.append(line.strip())
        self.asked.append("stop")

    def say(self, event: Event) -> None:
        line = encode(event)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
        with (self.folder / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def begin(self) -> None:
        self.say(
            Started(
                time=0.0,
                step=self.step,
                device="cpu",
                device_name="CPU",
                parameters=9,
                images=4,
                batch_size=2,
            )
        )

    def advance(self, part: str = "") -> None:
        self.step += 1
        done = self.step / self.steps
        losses = {"total": 4.0 / (1 + self.step / 20), "class": 2.0 / (1 + self.step / 20)}
        self.say(
            Step(
                step=self.step,
                epoch=self.step / 10,
                time=self.step * STEP_SECONDS,
                fraction=done,
                remaining=(self.steps - self.step) * STEP_SECONDS,
                learning_rate=0.002 * (1 - done),
                losses=losses,
                images_per_second=40.0,
                part=part,
            )
        )
        if self.step % CHECKPOINT_EVERY == 0:
            self.validate()
            self.save()
        time.sleep(STEP_SECONDS)

    def validate(self) -> None:
        ap = 0.5 * self.step / self.steps
        self.say(
            Validation(
                step=self.step,
                epoch=self.step / 10,
                time=self.step * STEP_SECONDS,
                metrics={"AP": ap, "AP50": min(1.0, 1.6 * ap)},
                per_class={"cell": ap},
                best=True,
            )
        )

    def save(self) -> None:
        (self.folder / "last.txt").write_text(str(self.step))
        self.say(Checkpoint(step=self.step, file="last.safetensors"))

    def end(self, reason: EndReason) -> None:
        self.save()
        self.say(Ended(reason=reason, time=self.step * STEP_SECONDS, result={"best_AP": 0.4}))

    def train(self) -> None:
        while self.step < self.steps:
            self.advance()
            if "stop" in self.asked:
                return self.end(EndReason.STOPPED)
            if "finish" in self.asked:
                return self.end(EndReason.FINISHED_EARLY)
        return self.end(EndReason.COMPLETED)


def cross_validate(behaviour: str, folder: Path) -> int:
    """Two folds; what is found are the labels themselves. Ends in the second one unless it is ``good``."""
    run = FakeRun(folder, steps=40)
    run.begin()
    for fold in (1, 2):
        while run.step < 20 * fold:
            if "stop" in run.asked:
                run.end(EndReason.STOPPED)
                return 0
            run.advance(part=f"Fold {fold} of 2")
            if behaviour == "killed" and run.step == 30:
                os.kill(os.getpid(), signal.SIGKILL)
            if behaviour == "long" and run.step == 30:
                run.step -= 1
        run.say(Progress(done=fold, total=2, text=f"Fold {fold} of 2: Predicting"))
    snapshot = Snapshot.load(folder / "snapshot.npz")
    truth = snapshot.ground_truth
    found = Detections(
        image_ids=truth.image_ids, labels=truth.labels, boxes=truth.boxes, scores=np.full(len(truth), 0.9)
    )
    save_detections(RunFolder(folder), found, image_ids=[image.id for image in snapshot.images])
    run.validate()
    run.end(EndReason.COMPLETED)
    return 0


def export_model(behaviour: str, words: list[str]) -> int:
    """An empty file in the folder that is asked for; ``long`` waits until it is stopped."""
    out = Path(words[words.index("--out") + 1])

    def say(event: Event) -> None:
        sys.stdout.write(encode(event) + "\n")
        sys.stdout.flush()

    say(Progress(done=2, total=6, text="Recording the network"))
    if behaviour == "crash":
        message = "the file does not give what torch gives"
        say(Failed(failure=FailureKind.BAD_INPUT, message=message, hint="Try another format"))
        return 65
    if behaviour == "long":
        while sys.stdin.readline().strip() != "stop":
            pass
        say(Ended(reason=EndReason.STOPPED, time=0.0))
        return 0
    out.mkdir()
    (out / "model.onnx").touch()
    result = {
        "folder": str(out),
        "files": ["model.onnx"],
        "images": 6,
        "difference": "boxes differ by at most 0 px",
    }
    say(Ended(reason=EndReason.COMPLETED, time=0.0, result=result))
    return 0


def behave(behaviour: str, verb: str, folder: Path, attempt: int, rest: list[str]) -> int:
    if verb == "devices":
        devices = [{"id": "cpu", "name": "CPU, 2 cores"}]
        sys.stdout.write(
            encode(Ended(reason=EndReason.COMPLETED, time=0.0, result={"devices": devices})) + "\n"
        )
        return 0
    if verb == "predict":
        for done in range(1, 5):
            sys.stdout.write(encode(Progress(done=done, total=4, text="Predicting")) + "\n")
        sys.stdout.write(encode(Ended(reason=EndReason.COMPLETED, time=0.0)) + "\n")
        return 0
    if verb == "export":
        return export_model(behaviour, rest)
    if verb == "crossval":
        return cross_validate(behaviour, folder)
    run = FakeRun(folder, steps=1000 if behaviour in ("long", "deaf") else 40)
    run.begin()
    if behaviour == "garbage":
        sys.stdout.write('no json\n{"event": "step"}\n{"event": "nonsense"}\n\x00\xff torn {"event"\n')
    if behaviour == "crash":
        run.advance()
        sys.stderr.write("RuntimeError: device-side assert triggered\n")
        return 1
    if behaviour == "killed":
        for _ in range(CHECKPOINT_EVERY):
            run.advance()
        os.kill(os.getpid(), signal.SIGKILL)
    if behaviour == "memory" and attempt < 2:
        run.say(
            Failed(failure=FailureKind.OUT_OF_MEMORY, message="out of memory", hint="Use a smaller batch")
        )
        return 75
    if behaviour == "silent":
        time.sleep(60)
    if behaviour == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(60)
    run.say(Log(level="info", text="training starts"))
    run.train()
    return 0


def main(arguments: list[str]) -> int:
    behaviour, verb, *rest = arguments
    attempt = int(rest[rest.index("--attempt") + 1]) if "--attempt" in rest else 0
    return behave(behaviour, verb, Path(rest[0]) if rest else Path(), attempt, rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
