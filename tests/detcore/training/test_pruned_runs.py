"""A run that starts from what is left of another one is a run like any."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from detcore.errors import ConfigError
from detcore.jobs import events
from detcore.jobs.config import TrainConfig
from detcore.project.runs import RunFolder
from detcore.training.pruning import prune_checkpoint
from detcore.zoo.building import build_detector
from detcore.zoo.checkpoint import Checkpoint, RunState, write_checkpoint
from tests.detcore.conftest import MakeRun
from tests.detcore.training.test_training_session import of_kind, train, weights


def whole(model: str = "reticle-n") -> Checkpoint:
    torch.manual_seed(1)
    detector = build_detector(model, num_classes=2, image_size=96)
    for part in detector.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(part.weight, 0.1, 1.0)
    return Checkpoint(
        state=RunState(step=7),
        model=model,
        class_ids=(11, 12),
        class_names=("kind 0", "kind 1"),
        image_size=96,
        config=TrainConfig(detector=model).to_dict(),
        tensors={f"weights.{name}": tensor for name, tensor in detector.state_dict().items()},
    )


def start_from(run: RunFolder, checkpoint: Checkpoint) -> None:
    write_checkpoint(checkpoint, run.start)
    config = TrainConfig.load(run.config)
    learning = replace(config.learning, weights=str(run.start))
    run.config.write_text(replace(config, options=checkpoint.options, learning=learning).to_json())


def test_a_pruned_run_learns_on_and_goes_on_exactly(make_run: MakeRun) -> None:
    pruned = prune_checkpoint(whole(), keep=0.5)
    assert pruned.after[0] < 0.5 * pruned.before[0]
    assert pruned.after[1] < 0.6 * pruned.before[1]
    runs = [make_run(name=name, images=8, val=1, epochs=2) for name in ("001-w", "002-p")]
    for run in runs:
        start_from(run, pruned.checkpoint)
    once, parts = runs
    result, heard = train(once)
    assert result.state.complete
    assert any(
        "tensors taken from the weights file; classes that it knows: kind 0, kind 1." in event.text
        for event in of_kind(heard, events.Log)
    )
    assert of_kind(heard, events.Started)[0].parameters == pruned.after[0]
    train(parts, on_event=lambda event, flags: flags.stop.set() if isinstance(event, events.Step) else None)
    parts.start.unlink()  # what goes on needs no beginning
    train(parts)
    one, other = weights(once.last), weights(parts.last)
    assert all(torch.allclose(one[name], other[name], atol=1e-6) for name in one if name[:6] == "weight")


def test_what_is_left_can_be_pruned_again_and_other_detectors_cannot() -> None:
    first = prune_checkpoint(whole(), keep=0.7)
    second = prune_checkpoint(first.checkpoint, keep=0.7)
    assert second.before == first.after
    assert second.after[0] < first.after[0]
    with pytest.raises(ConfigError, match="cannot be pruned"):
        prune_checkpoint(whole("reticle-s-pretrained"), keep=0.5)
