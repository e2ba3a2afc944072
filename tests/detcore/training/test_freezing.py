"""Layers that stay as they are for a share of a run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import torch
from torch import nn

import detcore
from detcore.errors import ConfigError
from detcore.jobs import events
from detcore.jobs.config import TrainConfig
from detcore.jobs.events import EndReason, Event
from detcore.jobs.settings.learning import Learning, read_freeze
from detcore.jobs.worker_process import StopFlags
from detcore.project.runs import RunFolder
from detcore.training.distributed import Group
from detcore.training.freezing import Freezing
from detcore.training.session import Session, TrainingResult
from detcore.weights.catalogue import WeightsFile, find_weights, weights_files
from detcore.zoo.base import Target
from detcore.zoo.building import build_detector
from detcore.zoo.checkpoint import read_checkpoint
from detcore.zoo.detectors.reticle import Reticle

MakeRun = Callable[..., RunFolder]
ONE_BOX = [
    Target(
        boxes=torch.tensor([[8.0, 8.0, 60.0, 60.0]]),
        labels=torch.zeros(1, dtype=torch.int64),
        ignore=torch.zeros(0, 4),
    )
]


def small() -> nn.Module:
    torch.manual_seed(0)
    return build_detector("reticle-s", num_classes=2, image_size=64)


def learning(detector: nn.Module, freezing: Freezing, fraction: float) -> set[str]:
    """Beginnings of names of what a step changes at a share of the run: parameters and statistics."""
    optimiser = torch.optim.SGD(detector.parameters(), lr=0.1, weight_decay=0.1)
    before = {name: value.clone() for name, value in detector.state_dict().items()}
    detector.train()
    freezing.hold(fraction)
    losses = detector(torch.rand(1, 3, 64, 64), ONE_BOX)
    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(torch.stack(list(losses.values())).sum())
    optimiser.step()
    changed = {name for name, value in detector.state_dict().items() if not torch.equal(value, before[name])}
    return {".".join(name.split(".")[: 2 if name.startswith("backbone") else 1]) for name in changed}


def test_stages_are_freed_one_after_the_other_with_their_statistics() -> None:
    detector = small()
    freezing = Freezing(detector, {"backbone.": 0.3, "backbone.stem.": 1.0, "backbone.stage5.": 0.1})
    rest, top = {"neck", "heads"}, {"backbone.stage5"}
    assert learning(detector, freezing, 0.0) == rest
    assert learning(detector, freezing, 0.1) == rest | top
    assert learning(detector, freezing, 0.3) == rest | top | {"backbone.stage3", "backbone.stage4"}
    assert learning(detector, freezing, 0.99) == rest | top | {"backbone.stage3", "backbone.stage4"}


def test_it_tells_when_others_learn_than_before() -> None:
    freezing = Freezing(small(), {"backbone.": 0.5})
    assert [freezing.hold(fraction) for fraction in (0.0, 0.2, 0.5, 0.9, 0.2)] == [
        True,
        False,
        True,
        False,
        True,
    ]


def test_backward_does_not_go_through_a_frozen_trunk() -> None:
    detector = small().train()
    entered: list[bool] = []
    assert isinstance(detector.backbone, nn.Module)
    detector.backbone.register_forward_hook(
        lambda _module, _inputs, maps: entered.append(any(features.requires_grad for features in maps))
    )
    for until in ({}, {"backbone.": 1.0}):
        Freezing(detector, until).hold(0.0)
        detector(torch.rand(1, 3, 64, 64), ONE_BOX)
    assert entered == [True, False]


def test_a_name_that_fits_nothing_is_told_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match="begins with 'trunk'") as told:
        Freezing(small(), {"trunk": 1.0})
    assert "backbone.stem, backbone.stage3" in str(told.value.hint)


def test_a_detector_of_which_nothing_would_learn_is_refused() -> None:
    with pytest.raises(ConfigError, match="all layers are frozen"):
        Freezing(small(), {"backbone.": 1.0, "neck.": 0.5, "heads.": 0.5})


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("backbone.stem, backbone.stage3=0.5", {"backbone.stem": 1.0, "backbone.stage3": 0.5}),
        ("none", {}),
        ("", {}),
    ],
)
def test_what_is_frozen_is_written_as_names_with_shares(text: str, read: dict[str, float]) -> None:
    assert read_freeze(text) == read
    assert TrainConfig(learning=Learning(freeze=text)).frozen == read


@pytest.mark.parametrize("text", ["backbone=2", "backbone=-0.1", "backbone=half", "=0.5", "a,,b", "a=nan"])
def test_what_is_written_otherwise_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"learning\.freeze has"):
        Learning(freeze=text)


def test_the_recipe_freezes_unless_the_user_says_otherwise() -> None:
    config = TrainConfig(detector="reticle-s-pretrained")
    assert config.frozen == {"backbone.": 1.0}
    assert replace(config, learning=Learning(freeze="none")).frozen == {}


def train(run: RunFolder, on_event: Callable[[Event, StopFlags], None] | None = None) -> TrainingResult:
    flags = StopFlags()

    def emit(event: Event) -> None:
        if on_event is not None:
            on_event(event, flags)

    return Session(run, attempt=0, emit=emit, flags=flags, group=Group()).train()


def test_a_run_that_is_stopped_while_layers_are_frozen_ends_as_one_that_was_not(make_run: MakeRun) -> None:
    settings = {"epochs": 3, "freeze": "backbone=0.5, backbone.stem"}
    whole, parts = make_run(name="001-whole", **settings), make_run(name="002-parts", **settings)
    train(whole)

    def stop_early(event: Event, flags: StopFlags) -> None:
        if isinstance(event, events.Step):
            flags.stop.set()

    assert train(parts, stop_early).reason is EndReason.STOPPED
    halfway = read_checkpoint(parts.last)
    assert halfway.state.drawn < 0.5 * 3 * 9
    assert train(parts).reason is EndReason.COMPLETED
    one, other = read_checkpoint(whole.last).part("weights"), read_checkpoint(parts.last).part("weights")
    assert all(torch.allclose(one[name], other[name], atol=1e-6) for name in one)
    begun = halfway.part("weights")
    freed = {
        name.split(".")[1] for name in one if not torch.equal(one[name], begun[name]) and "backbone" in name
    }
    assert freed == {"stage3", "stage4", "stage5"}


@pytest.fixture
def stem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> torch.Tensor:
    """The first filters of the file that the pretrained card starts from, which has nothing else."""
    monkeypatch.setenv("RETICLE_WEIGHTS", str(tmp_path))
    known = find_weights("lite0-imagenet")
    monkeypatch.setitem(
        cast("dict[str, WeightsFile]", weights_files()), known.name, replace(known, package="")
    )
    filters = torch.rand(32, 3, 3, 3)
    torch.save({"_conv_stem.weight": filters}, tmp_path / known.file_name)
    return filters


def test_a_training_starts_from_the_weights_that_the_card_names(
    make_run: MakeRun, stem: torch.Tensor
) -> None:
    run = make_run(model="reticle-s-pretrained", epochs=1)
    train(run)
    assert torch.equal(read_checkpoint(run.last).part("weights")["backbone.stem.0.conv.weight"], stem)


@pytest.mark.usefixtures("stem")
def test_a_frozen_trunk_sees_small_images_and_keeps_its_statistics(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides: list[int] = []
    losses = Reticle.losses

    def watch(detector: Reticle, images: torch.Tensor, targets: list[Target]) -> dict[str, torch.Tensor]:
        if images.shape[0] == 4 and detector.training:
            sides.append(max(images.shape[2:]))
        return losses(detector, images, targets)

    monkeypatch.setattr(Reticle, "losses", watch)
    run = make_run(model="reticle-s-pretrained", minutes=0.03, image_size=128, small_until=0.5)
    assert train(run).reason is EndReason.COMPLETED
    assert 96 in sides  # of 128 pixels two thirds, in steps of 32
    state, tensors = read_checkpoint(run.last).state, read_checkpoint(run.last).part("weights")
    assert state.full_from is not None
    assert state.full_from > 0
    means = {name: value for name, value in tensors.items() if name.endswith("running_mean")}
    moved = {name for name, value in means.items() if bool(value.any())}  # fresh norms have means of 0
    assert moved == {name for name in means if not name.startswith("backbone.")}


TWO = """
import os, sys
from pathlib import Path
import torch
from detcore.jobs.worker_process import StopFlags
from detcore.project.runs import RunFolder
from detcore.training import session
from detcore.training.distributed import joined_group

class Watched(session.Trainer):
    def run(self):
        reason = super().run()
        weights = {name: parameter.detach() for name, parameter in self.detector.named_parameters()}
        torch.save(weights, Path(sys.argv[2]) / os.environ["RANK"])
        return reason

session.Trainer = Watched
run = RunFolder(Path(sys.argv[1]))
with joined_group() as group:
    session.Session(run, attempt=0, emit=lambda event: None, flags=StopFlags(), group=group).train()
"""


def test_processes_agree_on_the_layers_that_are_freed_on_the_way(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(images=8, val=2, epochs=3, freeze="backbone=0.5")
    script = tmp_path / "two.py"
    script.write_text(TWO)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", script]
    environment = {**os.environ, "PYTHONPATH": str(Path(detcore.__file__).parents[1]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, run.path, tmp_path],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    one, other = (torch.load(tmp_path / rank, weights_only=True) for rank in "01")
    assert all(torch.allclose(one[name], other[name], atol=1e-6) for name in one)
