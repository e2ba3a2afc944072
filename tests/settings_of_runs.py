"""Settings of a training by their names alone, whichever section they are in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from detcore.jobs.config import TrainConfig
from detcore.jobs.settings.sections import SETTINGS
from detcore.project.runs import RunFolder


def with_settings(config: TrainConfig, **settings: Any) -> TrainConfig:
    """The config with these in place of its own."""
    beside = {name: settings.pop(name) for name in settings.keys() - SETTINGS.keys()}
    return replace(config.with_settings(settings), **beside)


def change_settings(run: RunFolder, **settings: Any) -> None:
    """As ``with_settings``, in the folder of a run."""
    config = with_settings(TrainConfig.load(run.config), **settings)
    run.config.write_text(config.to_json(), encoding="utf-8")
