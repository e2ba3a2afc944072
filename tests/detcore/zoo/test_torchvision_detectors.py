"""torchvision's detectors come in by our door unchanged: losses, detections and weights files are its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import resnet18, resnet50, vgg16
from torchvision.models.detection import (
    fasterrcnn_mobilenet_v3_large_fpn,
    fasterrcnn_resnet50_fpn,
    fasterrcnn_resnet50_fpn_v2,
    fcos_resnet50_fpn,
    retinanet_resnet50_fpn,
    retinanet_resnet50_fpn_v2,
    ssd300_vgg16,
)

from detcore.data.samples import split_samples
from detcore.inference.predictor import Predictor
from detcore.jobs.events import EndReason, Event, Step
from detcore.jobs.worker_process import StopFlags
from detcore.project.runs import RunFolder
from detcore.project.snapshot import Snapshot
from detcore.training.distributed import Group
from detcore.training.session import Session, TrainingResult
from detcore.zoo.base import Target
from detcore.zoo.building import build_detector
from detcore.zoo.catalogue import find_detector
from detcore.zoo.checkpoint import Checkpoint, RunState, read_checkpoint, write_checkpoint
from detcore.zoo.weights import load_weights

SMALL = {"backbone": "mobilenet_v3_large"}
SECOND = {"version": "v2"}
SMALL_ONES: list[tuple[str, dict[str, Any]]] = [("retinanet", SMALL), ("fcos", SMALL), ("faster-rcnn", SMALL)]
NO_DOWNLOAD: dict[str, Any] = {"weights": None, "weights_backbone": None}
AS_IT_IS: dict[str, Any] = {"min_size": 64, "max_size": 96, "_skip_resize": True}
"""Let torchvision, too, take images of 64 x 96 as they are."""
THEIRS: list[tuple[str, dict[str, Any], Callable[[], nn.Module]]] = [
    ("ssd300-vgg16", {}, lambda: ssd300_vgg16(num_classes=4, score_thresh=0.01, **NO_DOWNLOAD)),
    (
        "retinanet",
        {},
        lambda: retinanet_resnet50_fpn(num_classes=3, score_thresh=0.0, **AS_IT_IS, **NO_DOWNLOAD),
    ),
    ("fcos", {}, lambda: fcos_resnet50_fpn(num_classes=3, score_thresh=0.0, **AS_IT_IS, **NO_DOWNLOAD)),
    (
        "faster-rcnn",
        {},
        lambda: fasterrcnn_resnet50_fpn(num_classes=4, box_score_thresh=0.01, **AS_IT_IS, **NO_DOWNLOAD),
    ),
    (
        "retinanet",
        SECOND,
        lambda: retinanet_resnet50_fpn_v2(num_classes=3, score_thresh=0.0, **AS_IT_IS, **NO_DOWNLOAD),
    ),
    (
        "faster-rcnn",
        SECOND,
        lambda: fasterrcnn_resnet50_fpn_v2(num_classes=4, box_score_thresh=0.01, **AS_IT_IS, **NO_DOWNLOAD),
    ),
    (
        "faster-rcnn",
        SMALL,
        lambda: fasterrcnn_mobilenet_v3_large_fpn(
            num_classes=4, box_score_thresh=0.01, **AS_IT_IS, **NO_DOWNLOAD
        ),
    ),
]


def build(model: str, options: dict[str, Any], *, num_classes: int = 3, size: int = 96) -> Any:
    torch.manual_seed(0)
    return build_detector(model, num_classes=num_classes, image_size=size, options=options)


def targets() -> list[Target]:
    """Of two images, the second without boxes."""
    boxes = torch.tensor([[4.0, 6.0, 40.0, 50.0], [50.0, 10.0, 90.0, 60.0]])
    none = torch.zeros(0, 4)
    return [
        Target(boxes=boxes, labels=torch.tensor([0, 2]), ignore=none),
        Target(boxes=none, labels=torch.zeros(0, dtype=torch.int64), ignore=none),
    ]


def pictures() -> Tensor:
    return torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module", params=THEIRS, ids=lambda row: "-".join([row[0], *map(str, row[1].values())]))
def pair(request: pytest.FixtureRequest) -> tuple[str, Any, nn.Module]:
    """Id, detector of ours, network of torchvision's with the same weights."""
    model, options, make = request.param
    ours, theirs = build(model, options), make()
    theirs.load_state_dict(ours.net.state_dict())
    return model, ours, theirs


def test_detections_are_those_of_torchvision_for_equal_weights(pair: tuple[str, Any, nn.Module]) -> None:
    model, ours, theirs = pair
    if model in ("retinanet", "fcos"):
        ours.net.score_thresh = 0.0
    background = 0 if model in ("retinanet", "fcos") else 1
    with torch.no_grad():
        found, expected = ours.eval().detect(pictures()), theirs.eval()(list(pictures()))
    for one, other in zip(found, expected, strict=True):
        count = len(one["scores"])  # torchvision's SSD keeps 200
        assert 0 < count <= 100
        torch.testing.assert_close(one["boxes"], other["boxes"][:count], atol=1e-3, rtol=1e-4)
        torch.testing.assert_close(one["scores"], other["scores"][:count])
        assert one["labels"].tolist() == (other["labels"][:count] - background).tolist()


def test_losses_are_those_of_torchvision_for_equal_weights(pair: tuple[str, Any, nn.Module]) -> None:
    model, ours, theirs = pair
    background = 0 if model in ("retinanet", "fcos") else 1
    wanted = [{"boxes": item["boxes"], "labels": item["labels"] + background} for item in targets()]
    torch.manual_seed(5)  # Faster R-CNN draws the proposals that it learns from
    expected = theirs.train()(list(pictures()), wanted)
    torch.manual_seed(5)
    losses = ours.train().losses(pictures(), targets())
    assert losses.keys() == expected.keys()
    for name in losses:
        torch.testing.assert_close(losses[name], expected[name])
    assert all(float(value.detach()) > 0 for value in losses.values())


@pytest.mark.parametrize(("model", "options"), SMALL_ONES)
def test_a_checkpoint_gives_the_same_detector_again(
    tmp_path: Path, model: str, options: dict[str, Any]
) -> None:
    before = build(model, options).eval()
    write_checkpoint(
        Checkpoint(
            state=RunState(),
            model=model,
            options=options,
            class_ids=(1, 2, 3),
            image_size=96,
            config={},
            tensors={f"weights.{name}": tensor for name, tensor in before.state_dict().items()},
        ),
        tmp_path / "last.safetensors",
    )
    read = read_checkpoint(tmp_path / "last.safetensors")
    torch.manual_seed(9)
    after = build_detector(read.model, num_classes=3, image_size=read.image_size, options=read.options).eval()
    after.load_state_dict(read.kept())
    with torch.no_grad():
        for one, other in zip(before.look(pictures()), after.look(pictures()), strict=True):
            assert torch.equal(one["boxes"], other["boxes"])
            assert torch.equal(one["scores"], other["scores"])
            assert torch.equal(one["found"]["boxes"], other["found"]["boxes"])


OLD_NAMES = {
    "retinanet": (
        (r"(fpn\.\w+_blocks\.\d+)\.0\.", r"\1."),
        (r"_head\.conv\.(\d)\.0\.", lambda found: f"_head.conv.{2 * int(found[1])}."),
    ),
    "faster-rcnn": ((r"(fpn\.\w+_blocks\.\d+)\.0\.", r"\1."), (r"rpn\.head\.conv\.0\.0\.", "rpn.head.conv.")),
}


@pytest.mark.parametrize("model", sorted(OLD_NAMES))
def test_a_file_published_before_names_changed_is_taken_whole(tmp_path: Path, model: str) -> None:
    """torchvision's files are that old; the old names here are those that torchvision itself still reads."""
    makers = {"retinanet": retinanet_resnet50_fpn, "faster-rcnn": fasterrcnn_resnet50_fpn}
    theirs = makers[model](num_classes=3 if model == "retinanet" else 4, **NO_DOWNLOAD)
    file: dict[str, Tensor] = {}
    for name, tensor in theirs.state_dict().items():
        for pattern, old in OLD_NAMES[model]:
            name = re.sub(pattern, old, name)
        if not name.endswith("num_batches_tracked"):  # as of frozen batch norms
            file[name] = tensor
    assert theirs.load_state_dict(dict(file), strict=False).unexpected_keys == []
    torch.save(file, tmp_path / "coco.pth")
    ours = build(model, {})
    report = load_weights(ours, tmp_path / "coco.pth")
    assert (report.missing, report.mismatched, report.unexpected) == ((), (), ())
    assert report.complete
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[f"net.{name}"], tensor), name


def test_of_coco_weights_all_is_taken_but_the_classes(tmp_path: Path) -> None:
    theirs = fasterrcnn_mobilenet_v3_large_fpn(num_classes=91, **NO_DOWNLOAD)
    torch.save(theirs.state_dict(), tmp_path / "coco.pth")
    report = load_weights(build("faster-rcnn", {**SMALL, "freeze_norm": True}), tmp_path / "coco.pth")
    assert report.missing == ()
    assert {entry.split(" ")[0] for entry in report.mismatched} == {
        f"net.roi_heads.box_predictor.{part}.{kind}"
        for part in ("cls_score", "bbox_pred")
        for kind in ("weight", "bias")
    }


@pytest.mark.parametrize(("backbone", "make"), [("resnet50", resnet50), ("resnet18", resnet18)])
def test_a_backbone_trained_to_classify_is_taken(
    tmp_path: Path, backbone: str, make: Callable[..., Any]
) -> None:
    classifier = make(weights=None)
    torch.save(classifier.state_dict(), tmp_path / "imagenet.pth")
    detector = build("fcos", {"backbone": backbone})
    report = load_weights(detector, tmp_path / "imagenet.pth")
    assert set(report.unexpected) == {"net.backbone.body.fc.weight", "net.backbone.body.fc.bias"}
    assert torch.equal(detector.net.backbone.body.conv1.weight, classifier.conv1.weight)


def test_all_convolutions_of_a_vgg16_that_has_learnt_to_classify_are_taken(tmp_path: Path) -> None:
    with torch.device("meta"):
        blank = vgg16(weights=None).features
    state = {
        f"features.{name}": torch.full(tensor.shape, float(row))
        for row, (name, tensor) in enumerate(blank.state_dict().items())
    }
    torch.save(state, tmp_path / "imagenet.pth")
    detector = build("ssd300-vgg16", {})
    report = load_weights(detector, tmp_path / "imagenet.pth")
    assert (report.unexpected, len(report.loaded)) == ((), 26)
    # torchvision puts VGG's layers one after the other: those up to the fourth pooling, then the rest
    backbone = detector.net.backbone
    layers = [*backbone.features, *backbone.extra[0][:-1]]
    told = [float(layer.weight.detach().flatten()[0]) for layer in layers if isinstance(layer, nn.Conv2d)]
    assert told == [2.0 * row for row in range(13)]


def test_frozen_batch_norms_do_not_learn() -> None:
    detector = build("retinanet", {**SMALL, "freeze_norm": True})
    assert not any(isinstance(module, nn.BatchNorm2d) for module in detector.modules())


@pytest.mark.parametrize(("size", "side"), [(96, 300), (512, 512)])
def test_ssd300_has_places_up_to_the_borders_of_any_square(size: int, side: int) -> None:
    detector = build("ssd300-vgg16", {}, size=size).eval()
    with torch.no_grad():
        shown, _ = detector.net.transform(list(pictures()))
        features = list(detector.net.backbone(shown.tensors).values())
        (boxes, _) = detector.net.anchor_generator(shown, features)
    assert shown.tensors.shape[-2:] == (side, side)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    assert float(centres.max()) == pytest.approx(side, rel=0.02)


def train(run: RunFolder, *, stop_at: int | None = None) -> TrainingResult:
    flags = StopFlags()

    def emit(event: Event) -> None:
        if isinstance(event, Step) and event.step == stop_at:
            flags.stop.set()

    return Session(run, attempt=0, emit=emit, flags=flags, group=Group()).train()


@pytest.mark.parametrize(("model", "options"), SMALL_ONES)
def test_a_run_trains_goes_on_and_predicts(
    make_run: Callable[..., RunFolder], model: str, options: dict[str, Any]
) -> None:
    run = make_run(images=6, val=2, epochs=2, batch_size=2, image_size=64, model=model, options=options)
    stopped = train(run, stop_at=1)
    assert (stopped.reason, stopped.state.step) == (EndReason.STOPPED, 1)
    assert find_detector(model).options(**read_checkpoint(run.last).options) == find_detector(
        model
    ).read_options(options)
    done = train(run)
    assert (done.reason, done.state.step) == (EndReason.COMPLETED, 4)
    snapshot = Snapshot.load(run.snapshot)
    samples = split_samples(snapshot, seed=0).val
    predictor = Predictor(read_checkpoint(run.last), torch.device("cpu"))
    found = predictor.predict(samples, problem=lambda error: pytest.fail(str(error)))
    assert found is not None
    assert set(found.labels.tolist()) <= {11, 12}
