"""What races: detectors of ours with any settings, and the peer."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detcore.jobs.devices import cores
from detcore.jobs.program import worker_environment
from detcore.project.project import Project
from detcore.zoo.catalogue import find_detector
from tests.benchmarks.command import ROOT, reticle

IMAGE_SIZE = 320
_JUDGING_SHARE = 0.06
"""Of the time of a training of ours, what judging takes at most: the trainer sees to that."""
_PEER = """
import json, os, sys, time
job = json.loads(sys.argv[1])
os.environ["OMP_NUM_THREADS"] = str(job["threads"])
import torch
from ultralytics import YOLO, settings
settings.update({"sync": False})
model = YOLO(job["model"] + ".yaml")
if job["tuned"]:
    torch.set_num_threads(job["threads"])
    model.add_callback("on_train_start", lambda trainer: torch.set_num_threads(job["threads"]))
begin = time.monotonic()
model.train(data=job["data"], time=job["seconds"] / 3600, imgsz=job["size"], batch=8, seed=job["seed"], device="cpu",
            workers=0, plots=False, verbose=False, project=job["folder"], name="run", pretrained=False,
            **({"nbs": 8} if job["tuned"] else {}))
seconds = time.monotonic() - begin
best = YOLO(job["folder"] + "/run/weights/best.pt")
names = [best.names[key] for key in sorted(best.names)]
rows = []
for path in job["images"]:
    found = best.predict(path, imgsz=job["size"], conf=0.001, max_det=300, verbose=False, device="cpu")[0].boxes
    for box, score, label in zip(found.xyxy.tolist(), found.conf.tolist(), found.cls.tolist()):
        rows.append([path, names[int(label)], score, *box])
pace = {}
for threads in (1, 2):
    torch.set_num_threads(threads)
    for batch in (1, 8):
        begin = time.monotonic()
        for _ in best.predict(job["everything"], imgsz=job["size"], conf=0.01, batch=batch, stream=True, verbose=False,
                              device="cpu"):
            pass
        pace[threads] = max(pace.get(threads, 0.0), len(job["everything"]) / (time.monotonic() - begin))
json.dump({"seconds": seconds, "rows": rows, "pace": pace}, open(job["out"], "w"))
"""
_OUR_PACE = """
import json, sys, time
import cv2, numpy, torch
from pathlib import Path
from detcore.data.samples import Sample
from detcore.inference.predictor import Predictor, best_checkpoint
from detcore.project.runs import RunFolder
cv2.setNumThreads(1)
torch.set_flush_denormal(True)
none = numpy.zeros((0, 4), numpy.float32)
job = json.loads(sys.argv[1])
samples = [Sample(image_id=row, path=path, boxes=none, labels=numpy.zeros(0, numpy.int64), ignore=none)
           for row, path in enumerate(job["everything"])]
predictor = Predictor(best_checkpoint(RunFolder(Path(job["run"]))), torch.device("cpu"))
pace = {}
for threads in (1, 2):
    torch.set_num_threads(threads)
    for _ in range(2):
        begin = time.monotonic()
        predictor.predict(samples, problem=print)
        pace[threads] = max(pace.get(threads, 0.0), len(samples) / (time.monotonic() - begin))
print(json.dumps(pace))
"""


_BEFORE_A_SETTING = re.compile(r"[,\s]+(?=\w+=)")
_SWITCH = {"true": "--", "false": "--no-"}


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What a trainer reached: COCO's figures of the test part, the seconds its training took by the clock, and the images
    a second that it predicts then, by threads."""

    figures: dict[str, Any]
    wall: float
    pace: dict[str, float]


@dataclass(frozen=True)
class Ours:
    """A detector of ours with the settings that differ from its defaults, by the names of flags of ``train``, and options
    of its own as ``name=value``."""

    model: str
    settings: tuple[tuple[str, str], ...] = ()
    options: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str, common: str = "") -> Ours:
        """From ``reticle-s optimiser=adamw small_until=0``, and settings of the same form that all have. They stand
        apart by spaces or commas; switches are true or false. Raises ValueError for what is none."""
        model, *words = _BEFORE_A_SETTING.split(" ".join(filter(None, (text, common))))
        if not re.fullmatch(r"[\w-]+", model):
            raise ValueError(f"{model!r} is no detector with settings such as small_until=0")
        pairs = (word.partition("=") for word in words)
        return cls(model, tuple((name, value) for name, _, value in pairs))

    def __str__(self) -> str:
        return " ".join([self.model, *self.options, *(f"{name}={value}" for name, value in self.settings)])

    def flags(self) -> list[str]:
        """As ``train`` takes them. It never starts from an earlier run of the project, which others have raced in."""
        words = [word for option in self.options for word in ("--option", option)]
        start = find_detector(self.model).weights.start or "none"
        for name, value in {"weights": start, **dict(self.settings)}.items():
            flag = name.replace("_", "-")
            words.append(f"{_SWITCH[value]}{flag}" if value in _SWITCH else f"--{flag}={value}")
        return words

    def run(self, project: Path, _folder: Path, *, seconds: float, seed: int) -> Scored:
        """Train and judge it. The seconds are those from the start to the end of the training."""
        minutes = seconds * (1.0 - _JUDGING_SHARE) / 60.0
        reticle("train", project, "--model", self.model, "--minutes", f"{minutes:.4f}", "--seed", str(seed),
                "--image-size", str(IMAGE_SIZE), *self.flags())  # fmt: skip
        run = max((project / "runs").iterdir(), key=lambda path: path.name)
        with Project.open(project) as opened:
            everything = [str(opened.image_path(image)) for image in opened.images()]
        job = json.dumps({"run": str(run), "everything": everything})
        done = subprocess.run(
            [sys.executable, "-c", _OUR_PACE, job],
            check=True,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=worker_environment(os.environ),
        )
        pace = json.loads(done.stdout.splitlines()[-1])
        return Scored(figures=_score(project, run.name), wall=_wall(run), pace=pace)


def _wall(run: Path) -> float:
    """From the start to the last checkpoint, which is written when the last figure has been made."""
    with (run / "events.jsonl").open(encoding="utf-8") as file:
        started = next(event for event in map(json.loads, file) if event["event"] == "started")
    return (run / "last.safetensors").stat().st_mtime - float(started["time"])


def _score(project: Path, run: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "figures.json"
        reticle("evaluate", project, "--run", run, "--split", "test", "--json", out)
        return json.loads(out.read_text(encoding="utf-8"))


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A network of the peer, at its defaults or ``tuned`` for small sets, in the environment of ``python``."""

    python: Path
    model: str
    tuned: bool

    def __str__(self) -> str:
        return f"{self.model} {'tuned' if self.tuned else 'default'}"

    def run(self, project: Path, folder: Path, *, seconds: float, seed: int) -> Scored:
        """As ``Ours.run``; what it writes goes into the folder, which it makes."""
        folder.mkdir(parents=True)
        dataset = folder / "dataset"
        reticle("export", project, "--format", "yolo", "--out", dataset, "--allow-outside")
        reticle("export", project, "--format", "coco", "--out", folder / "coco", "--allow-outside")
        truth = folder / "coco" / "annotations" / "instances_test.json"
        record = json.loads(truth.read_text(encoding="utf-8"))
        ids = {str(_image_file(dataset, image["file_name"])): image["id"] for image in record["images"]}
        job = {"model": self.model, "tuned": self.tuned, "threads": cores() if self.tuned else 1, "data": str(dataset / "data.yaml"),
               "seconds": seconds, "size": IMAGE_SIZE, "seed": seed, "folder": str(folder), "images": list(ids),
               "everything": [str(path) for path in sorted((dataset / "images").rglob("*.*"))],
               "out": str(folder / "found.json")}  # fmt: skip
        subprocess.run(
            [str(self.python), "-c", _PEER, json.dumps(job)], check=True, capture_output=True, cwd=folder
        )
        found = json.loads((folder / "found.json").read_text(encoding="utf-8"))
        categories = {item["name"]: item["id"] for item in record["categories"]}
        detections = [
            {"image_id": ids[path], "category_id": categories[label], "score": score, "bbox": [x1, y1, x2 - x1, y2 - y1]}
            for path, label, score, x1, y1, x2, y2 in found["rows"]
        ]  # fmt: skip
        (folder / "dt.json").write_text(json.dumps(detections), encoding="utf-8")
        out = folder / "figures.json"
        reticle("evaluate", "--gt", truth, "--dt", folder / "dt.json", "--json", out)
        figures = json.loads(out.read_text(encoding="utf-8"))
        return Scored(figures=figures, wall=float(found["seconds"]), pace=found["pace"])


def _image_file(dataset: Path, name: str) -> Path:
    """Where the export for the peer has an image."""
    matches = sorted((dataset / "images").rglob(Path(name).name))
    return matches[0]
