"""A smaller detector out of a trained one, and its training."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from detcore.cli.console import say
from detcore.cli.model_commands import begin_run, train_prepared
from detcore.jobs.config import TrainConfig
from detcore.jobs.preparing.runs import PrunedWeights
from detcore.jobs.program import check_can_train
from detcore.project.imported_run import refuse_imported
from detcore.project.project import Project
from detcore.project.runs import find_run


def prune(options: argparse.Namespace) -> int:
    """Take channels out of a run's detector and train what is left as a new run, with the settings of the old one."""
    check_can_train()
    from detcore.inference.predictor import best_checkpoint
    from detcore.training.pruning import prune_checkpoint
    from detcore.zoo.checkpoint import write_checkpoint

    with Project.open(options.project) as project, TemporaryDirectory() as folder:
        run = find_run(project, options.run)
        refuse_imported(run, "prune")
        config = _settings(TrainConfig.load(run.config), options)
        pruned = prune_checkpoint(best_checkpoint(run), keep=options.keep)
        file = Path(folder) / "start.safetensors"
        write_checkpoint(pruned.checkpoint, file)
        config = replace(config, options=pruned.checkpoint.options)
        start = PrunedWeights(file=file, run=run.name, kept=options.keep)
        prepared = begin_run(project, config, start=start)
    say(f"{run.name}: {_text(*pruned.before)} become {_text(*pruned.after)}.")
    return train_prepared(options.project, prepared)


def _settings(config: TrainConfig, options: argparse.Namespace) -> TrainConfig:
    """Those of the run with what was chosen; it learns from no errors, and starts from what is left of the run alone."""
    changed: dict[str, object] = {"hard_negatives": 0.0, "oversample": 0.0, "weights": None}
    if options.minutes is not None or options.epochs is not None:
        changed.update(minutes=options.minutes, epochs=options.epochs)
    if options.teacher is not None:
        changed["teacher"] = options.teacher
    if options.device is not None:
        changed["device"] = options.device
    return config.with_settings(changed)


def _text(parameters: int, macs: int) -> str:
    return f"{parameters / 1e6:.2f} M parameters and {macs / 1e9:.3f} G multiply-adds an image"
