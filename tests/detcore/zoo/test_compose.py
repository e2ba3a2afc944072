"""Detectors put together of parts: each part works, and what makes no sense together is refused with the reason."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import resnet18, shufflenet_v2_x1_0
from torchvision.models.feature_extraction import create_feature_extractor

from detcore.errors import ConfigError
from detcore.jobs.preparing.model_export import MODEL_FORMATS, nms_fault
from detcore.zoo.base import Target
from detcore.zoo.detectors.composed import Composed
from detcore.zoo.parts.backbones.library import TIMM_NETS, TimmBackbone
from detcore.zoo.parts.post.dense import dense
from detcore.zoo.spec import SUPPRESSIONS
from detcore.zoo.specs.compose import (
    ASSIGNERS,
    BACKBONES,
    BOX_LOSSES,
    CLASS_LOSSES,
    HEADS,
    NECKS,
    SPEC,
    WITHOUT_TIMM,
    ComposeOptions,
    check_parts,
)
from detcore.zoo.specs.written_here import YOLO_V5
from detcore.zoo.weights import load_weights

RETINA = {"head": "retina", "assigner": "max-iou"}
GRID = {"head": "grid", "assigner": "neighbours"}
OF_HEADS = {"fcos": {}, "retina": RETINA, "ssd": {"head": "ssd", "assigner": "bipartite"}, "grid": GRID}


LIKE_OTHERS = {
    "resnet50": "resnet18",
    "resnet101": "resnet18",
    "resnext50": "resnet18",
    "csp-resnext50": "csp-darknet53",
    "mobilenet-v1": "mobilenet-v2",
    "efficientnet-b0": "mobilenet-v2",
    "efficientnet-lite0": "mobilenet-v2",
}
"""Backbones that timm builds of the same layers as another, by that."""
KINDS = [backbone for backbone in BACKBONES if backbone not in LIKE_OTHERS]


NORM = ("1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked")


def small(**chosen: str | int) -> ComposeOptions:
    return ComposeOptions(**{"width": 16, **chosen})


def one_object(count: int = 2) -> tuple[Tensor, list[Target]]:
    """Images of 64 pixels with a white rectangle."""
    images = torch.zeros(count, 3, 64, 64)
    images[:, :, 16:48, 8:40] = 1.0
    box = torch.tensor([[8.0, 16.0, 40.0, 48.0]])
    return images, [Target(boxes=box, labels=torch.tensor([1]), ignore=torch.zeros(0, 4))] * count


def learned(options: ComposeOptions, *, steps: int) -> list[float]:
    """The loss before each step. Every parameter has a gradient in the first."""
    torch.manual_seed(0)
    detector = Composed(2, options).train()
    images, targets = one_object()
    optimiser = torch.optim.AdamW(detector.parameters(), lr=2e-3)
    totals: list[float] = []
    for _ in range(steps):
        loss = torch.stack(list(detector.losses(images, targets).values())).sum()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        assert [name for name, one in detector.named_parameters() if one.grad is None] == []
        optimiser.step()
        totals.append(float(loss.detach()))
    return totals


def numbers(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_each_backbone_has_a_network() -> None:
    assert {*TIMM_NETS, *WITHOUT_TIMM} == set(BACKBONES)


@pytest.mark.parametrize(
    ("backbone", "neck", "head"),
    list(zip(KINDS, itertools.cycle(NECKS), itertools.cycle(HEADS), strict=False)),
)
def test_each_backbone_gives_maps_at_three_strides_and_all_of_it_is_used(
    backbone: str, neck: str, head: str
) -> None:
    """Without numbers, so that large ones cost little; with each neck and head in turn."""
    with torch.device("meta"):
        detector = Composed(2, small(backbone=backbone, neck=neck, **OF_HEADS[head]))
        answers = detector.head(detector.neck(list(detector.backbone(torch.empty(2, 3, 96, 160)))))
    told = [one for one in answers if one is not None]
    assert {one.shape[1] for one in told} == {detector.head.each * (12 * 20 + 6 * 10 + 3 * 5)}
    torch.autograd.backward(torch.stack([one.sum() for one in told]).sum())
    assert [name for name, one in detector.named_parameters() if one.grad is None] == []


@pytest.mark.parametrize("backbone", LIKE_OTHERS)
def test_the_others_are_of_the_same_kind_and_known_to_timm(backbone: str) -> None:
    timm = pytest.importorskip("timm")
    kinds = [
        timm.model_entrypoint(TIMM_NETS[key].name).__module__ for key in (backbone, LIKE_OTHERS[backbone])
    ]
    assert kinds[0] == kinds[1]


def test_a_network_that_does_not_pad_sees_where_things_are() -> None:
    """The cells of Inception's finest map lie over what they tell of: a white square moves the cells about it most."""
    torch.manual_seed(0)
    backbone = TimmBackbone("inception-v3").eval()
    plain = torch.zeros(1, 3, 128, 128)
    spot = plain.clone()
    spot[:, :, 60:68, 84:92] = 1.0  # the cell in row 7 or 8, column 10 or 11
    with torch.no_grad():
        change = (backbone(spot)[0] - backbone(plain)[0]).abs().sum(dim=1)[0]
    weight = change / change.sum()
    row = float((weight.sum(dim=1) * torch.arange(16)).sum())
    column = float((weight.sum(dim=0) * torch.arange(16)).sum())
    assert row == pytest.approx(7.5, abs=0.7)
    assert column == pytest.approx(10.5, abs=0.7)


@pytest.mark.parametrize(
    ("backbone", "make", "last"),
    [
        ("resnet18", resnet18, {"fc.weight", "fc.bias"}),
        (
            "shufflenet-v2",
            shufflenet_v2_x1_0,
            {"fc.weight", "fc.bias", *(f"conv5.{row}" for row in ("0.weight", *NORM))},
        ),
    ],
)
def test_a_backbone_that_has_learnt_to_classify_is_taken_and_the_rest_is_named(
    tmp_path: Path, backbone: str, make: Callable[..., nn.Module], last: set[str]
) -> None:
    torch.manual_seed(0)
    classifier = make(weights=None)
    torch.save(classifier.state_dict(), tmp_path / "imagenet.pth")
    detector = Composed(2, small(backbone=backbone, neck="fpn")).eval()
    report = load_weights(detector, tmp_path / "imagenet.pth")
    assert set(report.unexpected) == last
    assert {name.partition(".")[0] for name in report.missing} == {"neck", "head"}
    images = torch.rand(1, 3, 64, 64)
    stages = ("layer2", "layer3", "layer4") if backbone == "resnet18" else ("stage2", "stage3", "stage4")
    with torch.no_grad():
        maps = create_feature_extractor(classifier.eval(), list(stages))(images)
        for mine, stage in zip(detector.backbone(images), stages, strict=True):
            torch.testing.assert_close(mine, maps[stage])


@pytest.mark.parametrize("backbone", [key for key in KINDS if key in TIMM_NETS])
def test_a_file_of_timms_fills_the_whole_backbone(backbone: str) -> None:
    timm = pytest.importorskip("timm")
    with torch.device("meta"):
        published = timm.create_model(TIMM_NETS[backbone].name).state_dict()
        own = TimmBackbone(backbone)
    named = {own.own_name(name): tensor.shape for name, tensor in published.items()}
    assert {name: tensor.shape for name, tensor in own.state_dict().items() if name.startswith("net.")} == {
        name: shape for name, shape in named.items() if name
    }


def test_without_timm_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ConfigError, match=r"resnet18.*pip install 'reticle\[timm\]'"):
        Composed(2, small(backbone="resnet18"))
    Composed(2, small(backbone="shufflenet-v2"))


@pytest.mark.parametrize("neck", NECKS)
@pytest.mark.parametrize("head", HEADS)
def test_each_neck_trains_with_each_head(neck: str, head: str) -> None:
    (loss,) = learned(small(neck=neck, levels=4, **OF_HEADS[head]), steps=1)
    assert 0 < loss < 1e4


@pytest.mark.parametrize("assigner", ASSIGNERS)
def test_with_each_assigner_an_object_is_learned(assigner: str) -> None:
    head = {"max-iou": "retina", "bipartite": "ssd", "neighbours": "grid"}.get(assigner, "fcos")
    totals = learned(small(neck="fpn", head=head, assigner=assigner), steps=9)
    assert min(totals[-3:]) < 0.85 * totals[0]


@pytest.mark.parametrize("box_loss", BOX_LOSSES)
@pytest.mark.parametrize("head", ["retina", "grid"])
def test_each_box_loss_trains(box_loss: str, head: str) -> None:
    (loss,) = learned(small(neck="fpn", box_loss=box_loss, **OF_HEADS[head]), steps=1)
    assert 0 < loss < 1e4


@pytest.mark.parametrize("class_loss", CLASS_LOSSES)
def test_each_class_loss_trains_and_has_its_rows_in_the_head(class_loss: str) -> None:
    options = small(neck="fpn", class_loss=class_loss, **RETINA)
    (loss,) = learned(options, steps=1)
    assert 0 < loss < 1e4
    with torch.device("meta"):
        two, five = Composed(2, options), Composed(5, options)
    like = two.state_dict()
    for name, tensor in five.state_dict().items():
        rows = [layout for pattern, layout in two.class_rows.items() if fnmatchcase(name, pattern)]
        assert bool(rows) == (tensor.shape != like[name].shape)
        assert [layout.classes_in(tensor, like[name], 2) for layout in rows] == [5] * len(rows)


@pytest.mark.parametrize("head", HEADS)
def test_rows_of_classes_are_known_in_each_head(head: str) -> None:
    options = small(**OF_HEADS[head])
    with torch.device("meta"):
        two, five = Composed(2, options).state_dict(), Composed(5, options)
    for name, tensor in five.state_dict().items():
        rows = [layout for pattern, layout in five.class_rows.items() if fnmatchcase(name, pattern)]
        assert bool(rows) == (tensor.shape != two[name].shape)
        assert [layout.classes_in(two[name], tensor, 5) for layout in rows] == [2] * len(rows)


@pytest.mark.parametrize("nms", SUPPRESSIONS)
def test_each_suppression_gives_detections(nms: str) -> None:
    torch.manual_seed(0)
    detector = Composed(2, small(neck="fpn", assigner="hungarian", nms=nms)).eval()
    with torch.no_grad():
        found = detector.detect(one_object(1)[0])[0]
    assert 0 < len(found["scores"]) <= 100
    assert (found["scores"].diff() <= 0).all()


@pytest.mark.parametrize("nms", SUPPRESSIONS)
def test_a_file_suppresses_as_the_detector_does_or_has_nothing_inside(nms: str) -> None:
    options = small(neck="fpn", assigner="hungarian", nms=nms)
    spec = SPEC.fitted_to({"assigner": "hungarian", "nms": nms})
    detector = Composed(2, options).eval()
    assert dense(detector, 64).selection.suppression == spec.suppression == nms
    for format_id, inside in (("onnx", nms in ("classwise", "hard", "none")), ("torch", False)):
        assert (nms_fault(spec, MODEL_FORMATS[format_id]) is None) == inside


def test_cells_are_square_though_sides_of_maps_are_rounded_up() -> None:
    detector = Composed(2, small(levels=5)).eval()
    with torch.no_grad():
        places, _ = detector.predict(torch.zeros(1, 3, 128, 96))
    fourth = places.points[places.levels == 3]
    assert fourth.tolist() == [[32, 32], [96, 32], [32, 96], [96, 96]]


def test_a_repvgg_leaves_with_one_convolution_a_block_and_the_same_answers() -> None:
    torch.manual_seed(0)
    detector = Composed(2, small(backbone="repvgg-a0", neck="fpn"))
    images, _ = one_object()
    with torch.no_grad():
        detector.train()(images, one_object()[1])  # norms get means and variances
        leaves = dense(detector, 64).net
        boxes, scores = leaves(images)
        _, answers = detector.predict(images)
    torch.testing.assert_close(boxes, answers.boxes, atol=1e-2, rtol=1e-4)
    torch.testing.assert_close(
        scores, detector.head.scores(answers.logits, answers.quality), atol=1e-4, rtol=0
    )
    # 3×3 of 9 · in · out numbers takes in 1×1 of in · out, and two or three norms
    assert numbers(leaves) < 0.92 * numbers(detector)
    assert numbers(detector) == numbers(Composed(2, detector.options))


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        ({"assigner": "max-iou"}, "compares objects with anchors, and the head fcos has none"),
        ({"assigner": "bipartite"}, "compares objects with anchors"),
        ({"assigner": "neighbours"}, "compares objects with anchors"),
        ({**RETINA, "assigner": "ranges"}, "has several anchors there"),
        ({**GRID, "assigner": "ranges"}, "has several anchors there"),
        ({"class_loss": "quality-focal"}, "has a branch for that already"),
        ({**GRID, "class_loss": "quality-focal"}, "has a branch for that already"),
        ({**GRID, "class_loss": "ce"}, "tells by objectness"),
        ({**GRID, "class_loss": "hard-negatives"}, "tells by objectness"),
        ({**GRID, "class_loss": "ohem"}, "tells by objectness"),
        ({"assigner": "hungarian", "box_loss": "iou"}, "says nothing of boxes that do not touch"),
        ({"nms": "none"}, "each object is told many times"),
        ({"width": 20}, "cannot be divided into 8 groups"),
        ({**RETINA, "anchors": "10,12,20"}, "3 numbers of anchors cannot be shared out"),
        ({**RETINA, "anchors": "10,12,x"}, "are no numbers"),
        ({**RETINA, "anchors": "10,12,20,20,0,40"}, "more than 0"),
    ],
)
def test_what_makes_no_sense_together_is_refused_with_the_reason(
    chosen: dict[str, str | int], reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        SPEC.fitted_to(chosen)
    with pytest.raises(ConfigError, match=reason):
        Composed(2, small(**chosen))


@pytest.mark.parametrize(
    ("backbone", "extra"), [("split", ""), ("shufflenet-v2", ""), ("resnet18", "timm"), ("vit-tiny", "timm")]
)
def test_the_card_says_which_backbones_come_with_timm(backbone: str, extra: str) -> None:
    assert SPEC.fitted_to({"backbone": backbone}).extra == extra
    assert YOLO_V5.fitted_to({"backbone": backbone}).extra == extra


def test_what_is_refused_is_right_with_the_part_that_is_named() -> None:
    check_parts(small(assigner="hungarian", nms="none"))
    check_parts(small(**RETINA, class_loss="quality-focal"))
    check_parts(small(**RETINA, anchors="10,12, 20,20, 30,40"))


def test_anchors_that_are_given_are_shared_out_by_level() -> None:
    options = small(**RETINA, anchors="10,12, 20,20, 30,40, 50,50, 60,60, 70,80")
    assert [shape.tolist() for shape in options.shapes()] == [
        [[10, 12], [20, 20]],
        [[30, 40], [50, 50]],
        [[60, 60], [70, 80]],
    ]


def test_ssds_anchors_have_a_square_between_two_levels() -> None:
    shapes = replace(small(**OF_HEADS["ssd"])).shapes()
    # 4 · 8 = 32 with ratios 1/2, 1 and 2, and the root of 32 · 64
    assert shapes[0][1].tolist() == pytest.approx([32, 32])
    assert shapes[0][3].tolist() == pytest.approx([(32 * 64) ** 0.5] * 2)
