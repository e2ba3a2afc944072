"""Settings of a training by their names alone, whichever section they are in."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from detcore.jobs.config import TrainConfig
from detcore.project.runs import RunFolder


def with_settings(config: TrainConfig, **settings: Any) -> TrainConfig:
    """The config with these in place of its own."""
    changed: dict[str, Any] = {}
    for name in ("learning", "augmentation", "runtime"):
        section = getattr(config, name)
        own = {item.name for item in fields(section)} & settings.keys()
        changed[name] = replace(section, **{key: settings.pop(key) for key in own})
    return replace(config, **changed, **settings)


def change_settings(run: RunFolder, **settings: Any) -> None:
    """As ``with_settings``, in the folder of a run."""
    config = with_settings(TrainConfig.load(run.config), **settings)
    run.config.write_text(config.to_json(), encoding="utf-8")
