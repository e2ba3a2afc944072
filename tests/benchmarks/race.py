"""A race of trainers: the same images, the same time, the same rules.

python -m tests.benchmarks race --data DIR [--peer PYTHON] [--sets …] [--seconds …] [--seeds …] [--images …]
                                [--out FILE.json]

``DIR`` holds the folders ``bccd``, ``playing_cards`` and ``raccoon``. Each set is divided once: its own test part, and of
the rest a tenth to judge by where the set names none. Every trainer gets the training part and the part to judge
by, 320 pixels, and the same seconds of training and judging by the clock; what it finds in the test part is scored by
COCO's rules. ``PYTHON`` is the interpreter of an environment that has the peer; it runs the peer's own ``train`` and
``predict``, at its defaults and tuned for small sets (a step for each batch, as many threads as cores). ``--images``
gives the learning curve instead: only so many images besides the test part, a tenth of them to judge by. After each
training all images of the set are predicted from their files with one thread and with two, eight at a time.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from detcore.project.edits import remove_images, set_split
from detcore.project.project import Project

ROOT = Path(__file__).parents[2]
IMAGE_SIZE = 320
_JUDGING_SHARE = 0.1
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


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one trainer reached on one set: COCO's AP and AP50 of the test part, 0..1, the seconds its training took
    by the clock, and the images a second that it predicts then with one thread and with two."""

    set: str
    trainer: str
    seconds: float
    seed: int
    ap: float
    ap50: float
    wall: float
    pace: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Of ``Result`` what is measured."""

    figures: dict[str, Any]
    wall: float
    pace: dict[str, float]


def reticle(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """One command of Reticle, in a process of its own; raises CalledProcessError where it fails."""
    command = [sys.executable, str(ROOT / "main.py"), *map(str, words)]
    return subprocess.run(command, check=True, capture_output=True, text=True)


# --- the sets


def make_set(name: str, data: Path, folder: Path, *, images_kept: int | None = None) -> Path:
    """A project of one set with its splits; of the images besides the test part only so many."""
    sources, tested = _SETS[name](data)
    folder.mkdir(parents=True, exist_ok=True)
    project_path = folder / f"{name}.reticle"
    for source, images in sources:
        reticle("import", project_path, source, "--format", "voc", "--images", images, "--allow-outside")
    with Project.open(project_path) as project:
        images = [image for image in project.images()]
        if not any(image.split == "test" for image in images):
            splits = {image.id: "test" if tested(image.path) else "train" for image in images}
            rest = [key for key, split in splits.items() if split == "train"]
            chosen = np.random.default_rng(0).permutation(len(rest))[: round(len(rest) * 0.1)]
            splits |= {rest[row]: "val" for row in chosen}
            project.edit(lambda reader: set_split(reader, splits))
        if images_kept is not None:
            _keep(project, images_kept)
    return project_path


def _keep(project: Project, count: int) -> None:
    """Take out all images but those of the test part and ``count`` others, of which a tenth is judged by."""
    rest = [image.id for image in project.images() if image.split != "test"]
    order = [rest[row] for row in np.random.default_rng(0).permutation(len(rest))]
    judging = max(1, round(count * 0.1))
    splits = {key: "val" if row < judging else "train" for row, key in enumerate(order[:count])}
    project.edit(lambda reader: remove_images(reader, order[count:]))
    project.edit(lambda reader: set_split(reader, splits))


Sources = tuple[list[tuple[Path, Path]], Callable[[str], bool]]


def _bccd(data: Path) -> Sources:
    folder = data / "bccd" / "BCCD"
    return [(folder, folder / "JPEGImages")], lambda _path: False


def _cards(data: Path) -> Sources:
    folder = data / "playing_cards" / "images"
    parts = [(folder / part, folder / part) for part in ("train", "test")]
    return parts, lambda path: "test" in Path(path).parts


def _raccoon(data: Path) -> Sources:
    folder = data / "raccoon"
    with (folder / "data" / "test_labels.csv").open(encoding="utf-8", newline="") as file:
        names = {row["filename"] for row in csv.DictReader(file)}
    return [(folder / "annotations", folder / "images")], lambda path: Path(path).name in names


_SETS: dict[str, Callable[[Path], Sources]] = {"bccd": _bccd, "cards": _cards, "raccoon": _raccoon}


# --- the trainers


def run_ours(project: Path, *, model: str, seconds: float, seed: int) -> Scored:
    """Figures on the test part, and the seconds from the first step to the end of the training."""
    minutes = seconds * (1.0 - _JUDGING_SHARE) / 60.0
    reticle("train", project, "--model", model, "--minutes", f"{minutes:.4f}", "--seed", str(seed),
            "--image-size", str(IMAGE_SIZE))  # fmt: skip
    run = max((project / "runs").iterdir(), key=lambda path: path.name)
    with Project.open(project) as opened:
        everything = [str(opened.image_path(image)) for image in opened.images()]
    job = json.dumps({"run": str(run), "everything": everything})
    done = subprocess.run(
        [sys.executable, "-c", _OUR_PACE, job], check=True, capture_output=True, text=True, cwd=ROOT
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


def run_peer(
    python: Path, project: Path, folder: Path, *, model: str, tuned: bool, seconds: float, seed: int
) -> Scored:
    """As ``run_ours``, of the peer."""
    folder.mkdir(parents=True)
    dataset = folder / "dataset"
    reticle("export", project, "--format", "yolo", "--out", dataset)
    reticle("export", project, "--format", "coco", "--out", folder / "coco")
    truth = folder / "coco" / "annotations" / "instances_test.json"
    record = json.loads(truth.read_text(encoding="utf-8"))
    ids = {str(_image_file(dataset, image["file_name"])): image["id"] for image in record["images"]}
    job = {"model": model, "tuned": tuned, "threads": _cores() if tuned else 1, "data": str(dataset / "data.yaml"),
           "seconds": seconds, "size": IMAGE_SIZE, "seed": seed, "folder": str(folder), "images": list(ids),
           "everything": [str(path) for path in sorted((dataset / "images").rglob("*.*"))],
           "out": str(folder / "found.json")}  # fmt: skip
    subprocess.run([str(python), "-c", _PEER, json.dumps(job)], check=True, capture_output=True, cwd=folder)
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


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# --- the race


def main(words: Sequence[str]) -> int:
    """Run it and print a table; ``--out`` is written after every training, so that a long race can be followed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks race", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", choices=sorted(_SETS), default=sorted(_SETS))
    parser.add_argument("--seconds", nargs="+", type=float, default=[240.0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--models", nargs="*", default=["reticle-s"], help="detectors of ours")
    parser.add_argument("--peer", type=Path, help="the interpreter of an environment with the peer")
    parser.add_argument("--peer-models", nargs="*", default=["yolo11n", "yolo26n"])
    parser.add_argument("--peer-seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--images", nargs="+", type=int, default=[None], help="so many besides the test part")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(words)
    results: list[Result] = []

    def add(name: str, trainer: str, seconds: float, seed: int, scored: Scored) -> None:
        result = Result(set=name, trainer=trainer, seconds=seconds, seed=seed, ap=float(scored.figures["AP"]),
                        ap50=float(scored.figures["AP50"]), wall=round(scored.wall, 1),
                        pace=(round(scored.pace["1"], 1), round(scored.pace["2"], 1)))  # fmt: skip
        results.append(result)
        sys.stderr.write(f"{result}\n")
        if options.out:
            options.out.write_text(json.dumps([asdict(one) for one in results], indent=1), encoding="utf-8")

    with tempfile.TemporaryDirectory() as scratch:
        for name, count in itertools.product(options.sets, options.images):
            folder = Path(scratch) / f"{name}-{count}"
            project = make_set(name, options.data, folder, images_kept=count)
            label = name if count is None else f"{name}, {count} images"
            for seconds in options.seconds:
                for model, seed in itertools.product(options.models, options.seeds):
                    add(
                        label,
                        model,
                        seconds,
                        seed,
                        run_ours(project, model=model, seconds=seconds, seed=seed),
                    )
                peers = options.peer_models if options.peer else ()
                runs: Iterable[tuple[str, bool, int]] = itertools.product(
                    peers, (False, True), options.peer_seeds
                )
                for model, tuned, seed in runs:
                    trainer = f"{model} {'tuned' if tuned else 'default'}"
                    place = folder / f"{trainer}-{seconds:.0f}-{seed}".replace(" ", "-")
                    scored = run_peer(options.peer, project, place, model=model, tuned=tuned, seconds=seconds,
                                      seed=seed)  # fmt: skip
                    add(label, trainer, seconds, seed, scored)
    sys.stdout.write(table(results) + "\n")
    return 0


def table(results: Sequence[Result]) -> str:
    """Mean and range over the seeds, a row for each set, time and trainer."""
    lines = [
        "| set | seconds | trainer | AP | range | AP50 | by the clock | images a second, 1 and 2 threads |",
        "|---|---|---|---|---|---|---|---|",
    ]
    keys = list(dict.fromkeys((one.set, one.seconds, one.trainer) for one in results))
    for name, seconds, trainer in keys:
        own = [
            result
            for result in results
            if (result.set, result.seconds, result.trainer) == (name, seconds, trainer)
        ]
        aps = [result.ap for result in own]
        ap50, wall = np.mean([result.ap50 for result in own]), np.mean([result.wall for result in own])
        one, two = np.median([result.pace for result in own], axis=0)
        lines.append(
            f"| {name} | {seconds:.0f} | {trainer} | {np.mean(aps):.3f} | {min(aps):.3f}–{max(aps):.3f} | {ap50:.3f} | {wall:.0f} s "
            f"| {one:.0f}, {two:.0f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
