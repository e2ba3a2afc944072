"""The command line of a worker process. Free of torch, so that a job can be looked at before it is loaded."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from detcore.errors import ReticleError
from detcore.jobs.config import TrainConfig
from detcore.jobs.devices import device_names, process_count
from detcore.jobs.preparing.model_export import MODEL_FORMATS
from detcore.project.run_folder import RunFolder


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="worker", description="Train or predict in the folder of a run.")
    parser.add_argument("--unattended", action="store_true", help="do not listen on stdin")
    verbs = parser.add_subparsers(dest="verb", required=True)
    train = verbs.add_parser("train", help="train, or go on with training")
    train.add_argument("run", type=Path)
    train.add_argument("--attempt", type=int, default=0, help="how often memory ran out before")
    predict = verbs.add_parser("predict", help="write the detections of the run's best weights")
    predict.add_argument("run", type=Path)
    predict.add_argument("--split", action="append", help="only images of this split; may be repeated")
    predict.add_argument("--snapshot", type=Path, help="images to predict on, instead of the run's own")
    for verb in (train, predict):
        verb.add_argument("--device", help="auto, cpu, cuda:N or several; as the run has it by default")
    export = verbs.add_parser("export", help="write the run's best weights as a file that runs elsewhere")
    export.add_argument("run", type=Path)
    export.add_argument("--snapshot", type=Path, required=True, help="images to check the file on")
    export.add_argument("--format", choices=list(MODEL_FORMATS), required=True)
    export.add_argument("--out", type=Path, required=True, help="an empty or new folder")
    export.add_argument("--nms", action="store_true", help="with NMS inside")
    follow = verbs.add_parser("follow", help="work along in a job that another process leads")
    dismiss = verbs.add_parser("dismiss", help="tell those that follow that there is no more to do")
    folds = verbs.add_parser("folds", help="let each process do folds of a cross-validation")
    folds.add_argument("run", type=Path)
    for verb in (train, predict, folds, follow, dismiss):
        verb.add_argument("--images", type=Path, help="where this machine has the project's images")
    learn = verbs.add_parser("learn", help="learn from images as they are verified, until it is stopped")
    learn.add_argument("run", type=Path)
    verbs.add_parser("describe", help="say what detectors are made of, for each line of JSON on stdin")
    verbs.add_parser("devices", help="say what there is to train on, the fastest first")
    return parser.parse_args(arguments)


def devices_to_lead(arguments: Sequence[str]) -> tuple[str, ...]:
    """The devices of a job that wants several and has not been divided among processes yet; none otherwise. A
    job whose settings cannot be read says so itself."""
    if process_count() > 1:
        return ()
    options = parse_arguments(arguments)
    if options.verb not in ("train", "predict"):
        return ()
    try:
        wanted = options.device or TrainConfig.load(RunFolder(options.run).config).runtime.device
        names = device_names(wanted)
    except ReticleError:
        return ()
    return names if len(names) > 1 else ()
