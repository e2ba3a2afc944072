"""Rows of a head go over to the class of the same name, wherever it stands."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torchvision.models.detection import (
    fasterrcnn_mobilenet_v3_large_fpn,
    ssd300_vgg16,
    ssdlite320_mobilenet_v3_large,
)

from detcore.zoo.base import Detector
from detcore.zoo.building import build_detector
from detcore.zoo.checkpoint import Checkpoint, RunState, read_checkpoint, write_checkpoint
from detcore.zoo.class_rows import ClassRows, match_classes
from detcore.zoo.weights import load_weights, published_classes, read_class_names
from tests.detcore.zoo.darknet.test_runs import V1

OPTIONS = {"faster-rcnn": {"backbone": "mobilenet_v3_large"}, "fcos": {"backbone": "mobilenet_v3_large"}}
OPTIONS["retinanet"] = OPTIONS["fcos"]
OPTIONS["darknet"] = {"cfg": V1}
BIAS = {
    "reticle-s": "heads.1.classes.2.bias",
    "ssdlite320": "net.head.classification_head.module_list.2.1.bias",
    "ssd300-vgg16": "net.head.classification_head.module_list.2.bias",
    "retinanet": "net.head.classification_head.cls_logits.bias",
    "fcos": "net.head.classification_head.cls_logits.bias",
    "faster-rcnn": "net.roi_heads.box_predictor.cls_score.bias",
}


def build(model: str, classes: int) -> Detector:
    return build_detector(model, num_classes=classes, image_size=320, options=OPTIONS.get(model, {}))


def save(
    detector: Detector, model: str, names: tuple[str, ...], path: Path, *, ids: tuple[int, ...] = ()
) -> Path:
    """A checkpoint as a run writes it; with ``ids`` and no names as one of 0.1 did."""
    write_checkpoint(
        Checkpoint(
            state=RunState(),
            model=model,
            class_ids=ids or tuple(range(1, len(names) + 1)),
            class_names=names,
            image_size=320,
            config={},
            tensors={f"weights.{name}": tensor for name, tensor in detector.state_dict().items()},
        ),
        path,
    )
    return path


@pytest.mark.parametrize(
    ("model", "blocks", "size", "rows"),
    [
        # Where in a block of (cat, dog, owl, bat), of so many rows, those for (owl, fox, cat) are; -1: nowhere.
        ("reticle-s", 1, 4, [2, -1, 0]),
        ("fcos", 1, 4, [2, -1, 0]),
        ("retinanet", 9, 4, [2, -1, 0]),
        ("ssdlite320", 6, 5, [0, 3, -1, 1]),  # background first
        ("ssd300-vgg16", 6, 5, [0, 3, -1, 1]),
        ("faster-rcnn", 1, 5, [0, 3, -1, 1]),
    ],
)
def test_each_detector_takes_the_rows_of_its_classes(
    tmp_path: Path, model: str, blocks: int, size: int, rows: list[int]
) -> None:
    source, goal = build(model, 4), build(model, 3)
    source.state_dict()[BIAS[model]].copy_(torch.arange(float(blocks * size)))
    afresh = goal.state_dict()[BIAS[model]].clone()
    path = save(source, model, ("cat", "dog", "owl", "bat"), tmp_path / "w.safetensors")
    report = load_weights(goal, path, class_names=("owl", "fox", "cat"))
    wanted = torch.tensor([float(size * block + row) for block in range(blocks) for row in rows])
    wanted = torch.where(torch.tensor(rows * blocks) < 0, afresh, wanted)
    assert torch.equal(goal.state_dict()[BIAS[model]], wanted)
    assert (report.known_classes, report.new_classes) == (("owl", "cat"), ("fox",))
    assert (report.mismatched, report.missing) == ((), ())
    assert not report.complete
    assert "classes that it knows: owl, cat; new classes: fox" in report.text()


def test_the_first_yolo_takes_the_rows_of_its_classes_in_each_cell(tmp_path: Path) -> None:
    """Four cells; behind their classes are two boxes of five numbers in each."""
    source, goal = build("darknet", 4), build("darknet", 3)
    name = "net.blocks.1.1.bias"
    source.state_dict()[name].copy_(torch.arange(4.0 * 4 + 40))
    afresh = goal.state_dict()[name].clone()
    path = save(source, "darknet", ("cat", "dog", "owl", "bat"), tmp_path / "w.safetensors")
    report = load_weights(goal, path, class_names=("owl", "fox", "cat"))
    wanted = afresh.clone()
    for cell in range(4):
        wanted[3 * cell], wanted[3 * cell + 2] = 4.0 * cell + 2, 4.0 * cell
    wanted[12:] = torch.arange(16.0, 56.0)
    assert torch.equal(goal.state_dict()[name], wanted)
    assert (report.known_classes, report.new_classes) == (("owl", "cat"), ("fox",))
    assert (report.mismatched, report.missing) == ((), ())


@pytest.mark.parametrize("model", ["reticle-s", "ssdlite320", "ssd300-vgg16", "retinanet", "fcos", "darknet"])
def test_the_same_classes_in_another_order_answer_as_before(tmp_path: Path, model: str) -> None:
    torch.manual_seed(0)
    source, goal = build(model, 3).eval(), build(model, 3).eval()
    for name, tensor in source.state_dict().items():
        if name.endswith("bias") and any(fnmatchcase(name, pattern) for pattern in source.class_rows):
            tensor.normal_()
    path = save(source, model, ("cat", "dog", "owl"), tmp_path / "w.safetensors")
    assert load_weights(goal, path, class_names=("owl", "cat", "dog")).complete
    images = torch.rand(1, 3, 128, 128)
    with torch.no_grad():
        before, now = source.look(images)[0]["scores"], goal.look(images)[0]["scores"]
    assert before.std(dim=1).max() > 1e-4  # the classes are told apart
    assert torch.allclose(before[:, [2, 0, 1]], now, atol=1e-6)


def test_a_box_of_each_class_goes_along_in_faster_rcnn(tmp_path: Path) -> None:
    source, goal = build("faster-rcnn", 3), build("faster-rcnn", 2)
    name = "net.roi_heads.box_predictor.bbox_pred.bias"
    source.state_dict()[name].copy_(torch.arange(16.0))
    path = save(source, "faster-rcnn", ("cat", "dog", "owl"), tmp_path / "w.safetensors")
    assert load_weights(goal, path, class_names=("owl", "dog")).complete
    assert goal.state_dict()[name].tolist() == [0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11]


def test_without_a_class_in_common_the_head_starts_afresh(tmp_path: Path) -> None:
    path = save(build("reticle-s", 4), "reticle-s", ("a", "b", "c", "d"), tmp_path / "w.safetensors")
    report = load_weights(build("reticle-s", 2), path, class_names=("cat", "dog"))
    assert len(report.mismatched) == 6  # weight and bias of three heads
    assert (report.known_classes, report.new_classes) == ((), ("cat", "dog"))


def test_as_many_classes_of_other_names_are_not_the_same_ones(tmp_path: Path) -> None:
    """Of (cat, dog) nothing is known of (car, dog) but the dog, and of (car, bus) nothing."""
    source, goal = build("reticle-s", 2), build("reticle-s", 2)
    source.state_dict()[BIAS["reticle-s"]].copy_(torch.tensor([10.0, 20.0]))
    afresh = goal.state_dict()[BIAS["reticle-s"]].clone()
    path = save(source, "reticle-s", ("cat", "dog"), tmp_path / "w.safetensors")
    none = load_weights(goal, path, class_names=("car", "bus"))
    assert torch.equal(goal.state_dict()[BIAS["reticle-s"]], afresh)
    assert (none.known_classes, none.new_classes) == ((), ("car", "bus"))
    assert len(none.mismatched) == 6
    assert f"{BIAS['reticle-s']} for other classes" in none.mismatched
    assert not none.complete
    one = load_weights(goal, path, class_names=("car", "dog"))
    assert goal.state_dict()[BIAS["reticle-s"]].tolist() == [float(afresh[0]), 20.0]
    assert (one.known_classes, one.new_classes, one.mismatched) == (("dog",), ("car",), ())
    assert not one.complete


def test_within_a_project_a_class_keeps_its_rows_whatever_it_is_called_by_now(tmp_path: Path) -> None:
    """Classes 1, 2 and 3 were (cat, dog, owl); since then 3 and 1 have changed names, 2 is gone and 4 has come."""
    source, goal = build("reticle-s", 3), build("reticle-s", 3)
    source.state_dict()[BIAS["reticle-s"]].copy_(torch.tensor([10.0, 20.0, 30.0]))
    afresh = goal.state_dict()[BIAS["reticle-s"]].clone()
    path = save(source, "reticle-s", ("cat", "dog", "owl"), tmp_path / "w.safetensors")
    report = load_weights(goal, path, class_names=("owl", "cat", "wolf"), class_ids=(1, 3, 4))
    assert goal.state_dict()[BIAS["reticle-s"]].tolist() == [10.0, 30.0, float(afresh[2])]
    assert (report.known_classes, report.new_classes) == (("owl", "cat"), ("wolf",))


def test_a_class_of_a_run_without_names_is_known_by_its_id(tmp_path: Path) -> None:
    """Classes 1 and 2 were there at 0.1; since then 1 is gone and 3 has come. Of a file of another project, whose ids mean
    nothing here, all is taken as it stands."""
    source, goal, other = build("reticle-s", 2), build("reticle-s", 2), build("reticle-s", 2)
    source.state_dict()[BIAS["reticle-s"]].copy_(torch.tensor([10.0, 20.0]))
    afresh = goal.state_dict()[BIAS["reticle-s"]].clone()
    path = save(source, "reticle-s", (), tmp_path / "w.safetensors", ids=(1, 2))
    report = load_weights(goal, path, class_names=("dog", "owl"), class_ids=(2, 3))
    assert goal.state_dict()[BIAS["reticle-s"]].tolist() == [20.0, float(afresh[1])]
    assert (report.known_classes, report.new_classes) == (("dog",), ("owl",))
    assert load_weights(other, path, class_names=("dog", "owl")).complete
    assert other.state_dict()[BIAS["reticle-s"]].tolist() == [10.0, 20.0]


@pytest.mark.parametrize(
    ("model", "net", "bias", "rows"),
    [
        ("ssdlite320", ssdlite320_mobilenet_v3_large, "head.classification_head.module_list.2.1.bias", 6),
        ("ssd300-vgg16", ssd300_vgg16, "head.classification_head.module_list.2.bias", 6),
        ("faster-rcnn", fasterrcnn_mobilenet_v3_large_fpn, "roi_heads.box_predictor.cls_score.bias", 1),
    ],
)
def test_classes_of_coco_are_known_by_name_in_torchvisions_files(
    tmp_path: Path, model: str, net: object, bias: str, rows: int
) -> None:
    assert callable(net)
    source = net(weights=None, weights_backbone=None, num_classes=91)
    state: dict[str, Tensor] = source.state_dict()
    state[bias].copy_(torch.arange(91.0).repeat(rows))
    torch.save(state, tmp_path / "coco.pth")
    goal = build(model, 2)
    report = load_weights(
        goal,
        tmp_path / "coco.pth",
        class_names=("Dog", "gizmo"),
        published_names=published_classes("COCO"),
    )
    # COCO's category ids: person 1, dog 18; 0 is background
    taken = goal.state_dict()[f"net.{bias}"].reshape(rows, 3)
    assert taken[:, :2].tolist() == [[0.0, 18.0]] * rows
    assert (report.known_classes, report.new_classes, report.mismatched) == (("Dog",), ("gizmo",), ())


def test_the_names_of_classes_are_in_a_checkpoint_and_old_ones_do_without(tmp_path: Path) -> None:
    path = save(build("reticle-s", 2), "reticle-s", ("cat", "dog"), tmp_path / "w.safetensors")
    assert read_checkpoint(path).class_names == read_class_names(path) == ("cat", "dog")
    assert read_class_names(tmp_path / "w.pth") == ()
    old = Path(__file__).parents[2] / "cases" / "version_0_1"
    for path in old.rglob("*.safetensors"):
        assert read_class_names(path) == read_checkpoint(path).class_names == ()


@pytest.mark.parametrize(
    ("own", "theirs", "pairs"),
    [
        (["cat", "dog"], ["dog", "cat", "owl"], {0: 1, 1: 0}),
        (["Person"], ["car", "person"], {0: 1}),
        (["Cat", "cat"], ["cat", "Cat", "x"], {0: 1, 1: 0}),
        (["N/A"], ["N/A", "N/A"], {}),
        (["wbc", "rbc"], ["rbc", "white cell"], {1: 0}),
        (["x"], ["a", "b"], {}),
    ],
)
def test_classes_are_matched_by_name(own: list[str], theirs: list[str], pairs: dict[int, int]) -> None:
    assert match_classes(own, theirs) == pairs


def test_a_tensor_of_another_make_has_no_rows_for_classes() -> None:
    layout = ClassRows(before=1)
    assert layout.classes_in(torch.zeros(12, 5), torch.zeros(6, 5), 2) == 5
    assert layout.classes_in(torch.zeros(12, 4), torch.zeros(6, 5), 2) is None
    assert layout.classes_in(torch.zeros(12), torch.zeros(6, 5), 2) is None
    assert layout.classes_in(torch.zeros(13, 5), torch.zeros(6, 5), 2) is None
