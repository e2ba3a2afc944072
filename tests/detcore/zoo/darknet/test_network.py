"""Layers of darknet by hand, and its weights files."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from detcore.errors import ConfigError
from detcore.zoo.darknet.cfg import parse_cfg, read_cfg
from detcore.zoo.darknet.layers import ACTIVATIONS, Local, MaxPool, Reorg
from detcore.zoo.darknet.network import DarknetNet
from detcore.zoo.darknet.plan import make_plan
from detcore.zoo.darknet.shapes.shape import Step
from detcore.zoo.darknet.weights_file import Header, read_weights, write_weights
from detcore.zoo.detectors.darknet import Darknet
from detcore.zoo.weights import load_weights
from tests.detcore.zoo.darknet.test_cfg import SMALL

MODELS = [
    "1.0_coco/yolo-fastest",
    "1.0_coco/yolo-fastest-xl",
    "1.1_body/yolo-fastest-1.1_body",
    "1.1_coco/yolo-fastest-1.1",
    "1.1_coco/yolo-fastest-1.1-xl",
]


def small_net() -> DarknetNet:
    return DarknetNet(make_plan(parse_cfg(SMALL)))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("linear", [-6.0, -1.0, 0.5, 6.0]),
        ("leaky", [-0.6, -0.1, 0.5, 6.0]),
        ("relie", [-0.06, -0.01, 0.5, 6.0]),
        ("ramp", [-0.6, -0.1, 0.55, 6.6]),
        ("plse", [-0.02, 0.375, 0.5625, 1.02]),
        ("stair", [-3.0, -1.0, 0.0, 3.0]),
        ("hardtan", [-1.0, -1.0, 0.5, 1.0]),
        ("lhtan", [-0.006, -0.001, 0.5, 1.005]),
        ("relu6", [0.0, 0.0, 0.5, 6.0]),
        ("hard_mish", [0.0, -0.5, 0.5, 6.0]),
        ("loggy", [-0.9950548, -0.4621172, 0.2449187, 0.9950548]),
        ("mish", [-0.0148, -0.3034, 0.3752, 6.0]),
        ("swish", [-0.0148, -0.2689, 0.3112, 5.9852]),
    ],
)
def test_activations_are_darknets(name: str, values: list[float]) -> None:
    # Worked out by the formulas of its activations.h.
    told = ACTIVATIONS[name](torch.tensor([-6.0, -1.0, 0.5, 6.0]))
    assert told.tolist() == pytest.approx(values, abs=1e-4)


def test_pooling_of_two_at_stride_one_looks_right_and_down() -> None:
    features = torch.arange(9.0).view(1, 1, 3, 3)
    assert MaxPool(Step(size=2, across=1, down=1, padding=1))(features)[0, 0].tolist() == [
        [4, 5, 5],
        [7, 8, 8],
        [7, 8, 8],
    ]


def test_reorg_is_darknets_loop() -> None:
    features = torch.arange(2 * 8 * 4 * 6, dtype=torch.float32).view(2, 8, 4, 6)
    flat, wanted = features.flatten(1), torch.zeros(2, 8 * 4 * 6)
    stride, channels, height, width = 2, 8, 4, 6
    few = channels // stride**2
    for k in range(channels):
        for j in range(height):
            for i in range(width):
                column, row = i * stride + k // few % stride, j * stride + k // few // stride
                source = column + width * stride * (row + height * stride * (k % few))
                wanted[:, i + width * (j + height * k)] = flat[:, source]
    made = Reorg(stride)(features)
    assert made.shape == (2, 32, 2, 3)
    assert (made.flatten(1) == wanted).all()


def test_local_weights_alike_everywhere_are_a_convolution() -> None:
    torch.manual_seed(0)
    local = Local(3, 4, 3, 1, 1, 5, 6)
    with torch.no_grad():
        local.weight.copy_(local.weight[:1].expand_as(local.weight))
    features = torch.randn(2, 3, 5, 6)
    kernel = local.weight[0].view(4, 3, 3, 3)
    wanted = torch.nn.functional.conv2d(features, kernel, padding=1)
    torch.testing.assert_close(local(features), wanted)


def test_the_order_of_a_file_is_biases_scales_means_variances_weights(tmp_path: Path) -> None:
    count = 248 + 189
    file = tmp_path / "small.weights"
    file.write_bytes(struct.pack("<3iQ", 0, 2, 5, 77) + np.arange(count, dtype="<f4").tobytes())
    net = small_net()
    assert read_weights(net, file) == Header(version=(0, 2, 5), seen=77)
    first = net.blocks["0"]
    norm, convolution = first.get_submodule("1"), first.get_submodule("0")
    assert norm.get_parameter("bias").tolist() == list(range(8))
    assert norm.get_parameter("weight").tolist() == list(range(8, 16))
    assert norm.get_buffer("running_mean").tolist() == list(range(16, 24))
    assert norm.get_buffer("running_var").tolist() == list(range(24, 32))
    assert convolution.get_parameter("weight").flatten().tolist() == list(range(32, 248))
    last = net.blocks["2"].get_submodule("0")
    assert last.get_parameter("bias").tolist() == list(range(248, 269))
    again = tmp_path / "again.weights"
    write_weights(net, again, Header(version=(0, 2, 5), seen=77))
    assert again.read_bytes() == file.read_bytes()


def test_old_files_count_their_images_in_four_bytes(tmp_path: Path) -> None:
    file = tmp_path / "old.weights"
    file.write_bytes(struct.pack("<3iI", 0, 1, 0, 9) + np.zeros(437, "<f4").tobytes())
    assert read_weights(small_net(), file).seen == 9


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "too short"),
        (struct.pack("<3iQ", 0, 2, 5, 0) + bytes(4 * 436), "436 numbers, the network 437"),
        (struct.pack("<3iQ", 0, 2, 5, 0) + bytes(4 * 438), "438 numbers, the network 437"),
        (struct.pack("<3iQ", 0, 2, 5, 0) + bytes(4 * 437 + 1), "in the middle of a number"),
        (b"PK\x03\x04" * 500, "no .weights file"),
        (struct.pack("<3iQ", 0, 2, 0, 1 << 63), "no .weights file"),
    ],
)
def test_a_file_that_does_not_fit_changes_nothing(tmp_path: Path, content: bytes, says: str) -> None:
    file, net = tmp_path / "some.weights", small_net()
    file.write_bytes(content)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    with pytest.raises(ConfigError) as caught:
        read_weights(net, file)
    assert says in str(caught.value)
    assert all((tensor == before[name]).all() for name, tensor in net.state_dict().items())


def test_a_file_of_the_first_layers_fills_these(tmp_path: Path) -> None:
    file, net = tmp_path / "first.weights", small_net()
    file.write_bytes(struct.pack("<3iQ", 0, 2, 5, 0) + np.ones(248, "<f4").tobytes())
    last = net.blocks["2"].get_submodule("0").get_parameter("weight").clone()
    read_weights(net, file, whole=False)
    assert (net.blocks["0"].get_submodule("0").get_parameter("weight") == 1).all()
    assert (net.blocks["2"].get_submodule("0").get_parameter("weight") == last).all()


def test_a_training_starts_from_weights_of_other_classes_and_from_those_of_the_first_layers(
    tmp_path: Path,
) -> None:
    published = small_net()
    for parameter in published.parameters():
        torch.nn.init.normal_(parameter)
    file = tmp_path / "small.weights"
    write_weights(published, file, Header(seen=640))
    detector = Darknet(SMALL, 9)
    report = load_weights(detector, file)
    first = detector.net.blocks["0"].state_dict()
    for name, tensor in published.blocks["0"].state_dict().items():
        if not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(first[name], tensor)
    assert int(detector.seen) == 640
    assert [entry.split(" ")[0] for entry in report.mismatched] == [
        "net.blocks.2.0.weight",
        "net.blocks.2.0.bias",
    ]
    # The header and the first layer's numbers alone, as in darknet53.conv.74.
    begin = tmp_path / "small.conv.1"
    begin.write_bytes(file.read_bytes()[: 20 + 4 * (8 * 4 + 8 * 27)])
    assert {name.split(".")[2] for name in load_weights(Darknet(SMALL, 2), begin).missing} == {"2"}


@pytest.mark.data
@pytest.mark.parametrize("model", MODELS)
def test_real_weights_come_back_byte_for_byte(real_data: Path, tmp_path: Path, model: str) -> None:
    file = (real_data / "yolo_fastest_weights" / "ModelZoo" / f"yolo-fastest-{model}").with_suffix(".weights")
    file = file.parent / f"{Path(model).name}.weights"
    net = DarknetNet(make_plan(read_cfg(file.with_suffix(".cfg"))))
    header = read_weights(net, file)
    write_weights(net, tmp_path / "again.weights", header)
    assert (tmp_path / "again.weights").read_bytes() == file.read_bytes()
