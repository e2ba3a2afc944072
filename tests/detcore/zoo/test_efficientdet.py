"""EfficientDet against effdet, which has the published one: names, numbers, losses and detections for equal weights."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from detcore.zoo.base import Target
from detcore.zoo.detectors.efficientdet import EfficientDet
from detcore.zoo.specs.efficientdet import SIZES, SPEC, EfficientDetOptions, fit
from detcore.zoo.weights import load_weights, published_classes

SIDE = 96
"""Its coarse maps have 3, 2 and 1 places a side: not each is half of the one before."""


@pytest.fixture(scope="module")
def effdet() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it compiles functions in a way that torch is about to give up
        return pytest.importorskip("effdet")


def theirs(effdet: ModuleType, size: str, classes: int) -> Any:
    """The network alone."""
    config = effdet.get_efficientdet_config(f"tf_efficientdet_{size}")
    config.num_classes, config.image_size = classes, (SIDE, SIDE)
    return effdet.EfficientDet(config, pretrained_backbone=False)


def ours(size: str = "lite0") -> EfficientDet:
    """With answers that differ from place to place."""
    torch.manual_seed(0)
    detector = EfficientDet(3, EfficientDetOptions(size=size))
    with torch.no_grad():
        detector.class_net.predict.conv_pw.weight *= 100
        detector.box_net.predict.conv_pw.weight *= 20
    return detector


def targets() -> list[Target]:
    nothing = torch.zeros(0, 4)
    # No middle is that of an anchor: effdet leaves offsets of exactly 0 out of its loss.
    boxes = torch.tensor([[8.3, 12.1, 40.0, 36.2], [50.1, 8.4, 60.2, 19.1], [30.3, 40.2, 93.9, 90.4]])
    return [
        Target(boxes=boxes, labels=torch.tensor([0, 2, 1]), ignore=nothing),
        Target(boxes=nothing, labels=torch.zeros(0, dtype=torch.int64), ignore=nothing),
    ]


@pytest.mark.parametrize("size", SIZES)
def test_tensors_are_those_of_the_published_network(effdet: ModuleType, size: str) -> None:
    with torch.device("meta"):
        mine = EfficientDet(3, EfficientDetOptions(size=size))
        published = theirs(effdet, size, 3)
    shapes = {name: tensor.shape for name, tensor in published.state_dict().items()}
    assert {name: tensor.shape for name, tensor in mine.state_dict().items()} == shapes
    count = sum(parameter.numel() for parameter in mine.parameters()) / 1e6
    assert fit(SPEC, EfficientDetOptions(size=size)).parameters == pytest.approx(count, abs=0.051)


@pytest.mark.parametrize("size", ["lite0", "d0"])
def test_answers_are_effdets(effdet: ModuleType, size: str) -> None:
    detector, network = ours(size).eval(), theirs(effdet, size, 3).eval()
    network.load_state_dict(detector.state_dict())
    images = torch.rand(1, 3, SIDE, SIDE)
    with torch.no_grad():
        _, answers = detector.predict(images)
        classes, boxes = network((images - detector.mean) / detector.std)
    for mine, parts, numbers in ((answers.logits, classes, 3), (answers.raw[..., [1, 0, 3, 2]], boxes, 4)):
        whole = torch.cat([part.permute(0, 2, 3, 1).reshape(1, -1, numbers) for part in parts], dim=1)
        torch.testing.assert_close(mine, whole, atol=1e-4, rtol=1e-4)


def test_losses_are_effdets(effdet: ModuleType) -> None:
    detector, network = ours().train(), theirs(effdet, "lite0", 3)
    network.load_state_dict(detector.state_dict())
    bench = effdet.DetBenchTrain(network).train()
    images, wanted = torch.rand(2, 3, SIDE, SIDE), targets()
    losses = detector.losses(images, wanted)
    told = {
        "bbox": [target["boxes"][:, [1, 0, 3, 2]] for target in wanted],
        "cls": [target["labels"].float() + 1 for target in wanted],
    }
    by_them = bench((images - detector.mean) / detector.std, told)
    assert float(losses["class"].detach()) == pytest.approx(float(by_them["class_loss"].detach()), rel=1e-4)
    assert float(losses["box"].detach()) == pytest.approx(50 * float(by_them["box_loss"].detach()), rel=1e-4)


def test_detections_are_effdets(effdet: ModuleType) -> None:
    detector, network = ours().eval(), theirs(effdet, "lite0", 3)
    network.load_state_dict(detector.state_dict())
    bench = effdet.DetBenchPredict(network).eval()
    images = torch.rand(1, 3, SIDE, SIDE)
    about = {"img_scale": torch.ones(1), "img_size": torch.tensor([[SIDE, SIDE]])}
    with torch.no_grad():
        found = detector.detect(images)[0]
        rows = bench((images - detector.mean) / detector.std, about)[0]
    assert len(found["scores"]) == 100
    torch.testing.assert_close(found["scores"], rows[:, 4], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found["boxes"], rows[:, :4], atol=1e-2, rtol=1e-4)
    assert (found["labels"] + 1 == rows[:, 5]).all()


def test_a_published_file_fills_all_but_classes_that_it_does_not_know(
    effdet: ModuleType, tmp_path: Path
) -> None:
    published = theirs(effdet, "lite0", 90)
    torch.save(published.state_dict(), tmp_path / "tf_efficientdet_lite0.pth")
    detector = ours()
    report = load_weights(
        detector,
        tmp_path / "tf_efficientdet_lite0.pth",
        class_names=("ring", "person", "crystal"),
        published_names=published_classes("COCO"),
    )
    assert (report.missing, report.unexpected, report.mismatched) == ((), (), ())
    assert report.known_classes == ("person",)
    # nine anchors a place, and of 90 classes the first is a person
    row = published.class_net.predict.conv_pw.weight.view(9, 90, -1)[:, 0]
    torch.testing.assert_close(detector.class_net.predict.conv_pw.weight.view(9, 3, -1)[:, 1], row)


def test_a_few_steps_learn_what_a_batch_shows() -> None:
    torch.manual_seed(0)
    detector = EfficientDet(1, EfficientDetOptions()).train()
    images = torch.zeros(2, 3, 64, 64)
    images[:, :, 16:48, 8:40] = 1.0
    box = torch.tensor([[8.0, 16.0, 40.0, 48.0]])
    wanted = [Target(boxes=box, labels=torch.tensor([0]), ignore=torch.zeros(0, 4))] * 2
    optimiser = torch.optim.AdamW(detector.parameters(), lr=1e-3)
    totals: list[float] = []
    for _ in range(8):
        loss = torch.stack(list(detector.losses(images, wanted).values())).sum()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        totals.append(float(loss.detach()))
    assert totals[-1] < 0.8 * totals[0]
