"""Reading `.cfg` files, the shapes of their layers, and other numbers of classes."""

from __future__ import annotations

from pathlib import Path

import pytest

from detcore.errors import ConfigError
from detcore.zoo.darknet.cfg import parse_cfg, read_cfg
from detcore.zoo.darknet.class_count import for_classes, with_classes
from detcore.zoo.darknet.plan import make_plan

SMALL = """\
[net]
width=64   # a comment
height=64
; another
[convolutional]
batch_normalize=1
filters=8
size=3
stride=2
pad=1
activation=leaky

[maxpool]
size=2
stride=2

[convolutional]
size=1
stride=1
pad=1
filters = 21
activation=linear

[yolo]
mask = 0,1,2
anchors = 4,7,  7,15,  13,25,
classes=2
num=3
"""


def test_layers_have_their_shapes_and_numbers() -> None:
    plan = make_plan(parse_cfg(SMALL))
    assert [(layer.after.channels, layer.after.height, layer.after.width) for layer in plan.layers] == [
        (8, 32, 32),
        (8, 16, 16),
        (21, 16, 16),
        (21, 16, 16),
    ]
    # 8 · 3 · 9 weights and 4 · 8 of BatchNorm; 21 · 8 weights and 21 biases.
    assert [layer.numbers for layer in plan.layers] == [248, 0, 189, 0]
    assert plan.classes == 2


@pytest.mark.parametrize(
    ("change", "line", "says"),
    [
        (("[net]", "[convolutional]"), 1, "must begin with [net]"),
        (("size=3", "size"), 8, "makes no sense here"),
        (("filters=8", "filters=many"), 7, "numbers are expected"),
        (("filters=8", "filters=0"), 7, "at least 1"),
        (("filters = 21", "filters = 20"), 24, "filters=21"),
        (("[maxpool]", "[crnn]"), 13, "not known here"),
        (("[maxpool]", "[maxpool"), 13, "ends with ]"),
        (("mask = 0,1,2", "mask = 0,1,3"), 25, "3 anchors, counted from 0"),
        (("4,7,  7,15,  13,25,", "4,7, 7"), 26, "6 numbers are expected"),
        (("activation=linear", "activation=wild"), 22, "known are"),
        (("width=64", "width=90000"), 2, "at most"),
        (("classes=2", "classes=1e400"), 27, "finite"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(change: tuple[str, str], line: int, says: str) -> None:
    from detcore.zoo.darknet.network import DarknetNet

    text = SMALL.replace(*change, 1)
    with pytest.raises(ConfigError) as caught:
        DarknetNet(make_plan(parse_cfg(text, Path("my.cfg"))))
    assert f"my.cfg:{line}: " in str(caught.value)
    assert says in str(caught.value)


def test_a_route_to_no_layer_is_told() -> None:
    text = SMALL.replace("[yolo]", "[route]\nlayers=-9\n\n[yolo]")
    with pytest.raises(ConfigError, match=r"layers=-9: only 3 layers are before this one"):
        make_plan(parse_cfg(text))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="it cannot be read"):
        read_cfg(tmp_path / "none.cfg")


def test_another_number_of_classes_changes_these_lines_alone() -> None:
    changed, changes = with_classes(SMALL, parse_cfg(SMALL), 5)
    assert sorted(map(str, changes)) == ["line 21: filters=21 → 30", "line 27: classes=2 → 5"]
    before, after = SMALL.splitlines(), changed.splitlines()
    assert [
        number for number, pair in enumerate(zip(before, after, strict=True), 1) if pair[0] != pair[1]
    ] == [21, 27]
    assert "filters = 30" in changed
    assert make_plan(parse_cfg(for_classes(SMALL, 5)[0])).classes == 5


def test_a_head_behind_no_convolution_cannot_be_changed() -> None:
    text = SMALL.replace("[yolo]", "[upsample]\nstride=1\n\n[yolo]")
    with pytest.raises(ConfigError, match="the layer before it must be a convolution"):
        with_classes(text, parse_cfg(text), 5)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("yolov3.cfg", 62_001_757),
        ("yolov3-tiny.cfg", 8_858_734),
        ("yolov3-voc.cfg", 61_678_657),
        ("yolov3-spp.cfg", 63_052_381),
        ("yolov2.cfg", 50_983_561),
        ("yolov2-tiny.cfg", 11_237_145),
    ],
)
def test_published_networks_have_the_numbers_of_their_weights(
    real_data: Path, name: str, numbers: int
) -> None:
    assert make_plan(read_cfg(real_data / "darknet_cfg" / "cfg" / name)).numbers == numbers
