"""The run of the learner beside the window: which there is to go on with, or a new one and what it starts from."""

from __future__ import annotations

from dataclasses import replace

from detcore.errors import ConfigError, ProjectError
from detcore.jobs.config import TrainConfig
from detcore.jobs.program import check_can_train
from detcore.jobs.settings.learning import Learning
from detcore.jobs.settings.optimisation import Optimisation
from detcore.jobs.settings.runtime import Runtime
from detcore.project.reading import ProjectReader
from detcore.project.runs import RunFolder, RunInfo, RunState, create_run, is_live, list_runs
from detcore.project.unused_runs import whole_or_gone
from detcore.zoo.catalogue import DEFAULT_MODEL

TITLE = "live"
_FAMILY = ("reticle-n", "reticle-s", "reticle-m", "reticle-s-pretrained")
"""Detectors that learn quickly enough to be of use while somebody waits."""
_WITHOUT_END = 1_000_000
_AVERAGE = 0.998
"""Of the weights: over some minutes, since what was learnt before the last images came is out of date."""


def prepare_live(project: ProjectReader, *, device: str = "auto") -> RunFolder:
    """The newest run of the learner, unless another run has learnt since; else a new one that starts from the weights of the
    newest run, where these are of one of Reticle's own detectors.

    Raises:
        ConfigError: PyTorch is not installed.
        ProjectError: a learner is at work already, or the run cannot be written.
    """
    check_can_train()
    runs = list_runs(project)
    for info in runs:
        if is_live(info.folder) and info.state is RunState.RUNNING:
            raise ProjectError("a learner is at work on this project already", path=info.folder.path)
    before = next((info for info in runs if _can_be_gone_on_from(info)), None)
    if before is not None and is_live(before.folder):
        _change_device(before.folder, device)
        return before.folder
    weights = None if before is None or before.weights is None else str(before.weights)
    config = TrainConfig(
        detector=DEFAULT_MODEL if before is None else before.model,
        options={} if before is None else TrainConfig.load(before.folder.config).options,
        learning=Learning(minutes=None, epochs=_WITHOUT_END, weights=weights),
        optimisation=Optimisation(schedule="plateau", rate_drop=0.5, ema_decay=_AVERAGE),
        runtime=Runtime(device=device),
    )
    run = create_run(project, config.detector, title=TITLE, is_live=True)
    with whole_or_gone(run):
        config.save(run.config)
    return run


def _can_be_gone_on_from(info: RunInfo) -> bool:
    failed = info.state is RunState.FAILED and not is_live(info.folder)
    if info.model not in _FAMILY or info.state is RunState.RUNNING or failed:
        return False
    try:
        TrainConfig.load(info.folder.config).check()
    except ConfigError:
        return False
    return is_live(info.folder) or info.weights is not None


def _change_device(run: RunFolder, device: str) -> None:
    config = TrainConfig.load(run.config)
    if config.runtime.device != device:
        replace(config, runtime=replace(config.runtime, device=device)).save(run.config)
