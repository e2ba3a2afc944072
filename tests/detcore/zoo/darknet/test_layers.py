"""Layers of Bochkovskiy's darknet by hand, and what is refused."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from detcore.errors import ConfigError
from detcore.zoo.darknet.cfg import parse_cfg, read_cfg
from detcore.zoo.darknet.layers import ACTIVATIONS, MeanPool
from detcore.zoo.darknet.network import DarknetNet
from detcore.zoo.darknet.plan import make_plan
from detcore.zoo.darknet.shapes.shape import Step
from detcore.zoo.darknet.weights_file import Header, read_weights, write_weights

NET = "[net]\nwidth=4\nheight=2\n"
HEAD = "[convolutional]\nfilters=6\nactivation=linear\n[yolo]\nclasses=1\nnum=1\nanchors=1,1\n"
"""On features of any number of channels: 6 · channels + 6 numbers."""


def first_layers(text: str) -> DarknetNet:
    return DarknetNet(make_plan(parse_cfg(NET + text + HEAD)))


def numbered(net: DarknetNet, tmp_path: Path, *, count: int, version: tuple[int, int] = (0, 2)) -> Path:
    """A file with 0, 1, 2 … for a network, read into it."""
    file = tmp_path / "numbers.weights"
    seen = struct.pack("<I", 9) if version[0] > 1000 else struct.pack("<Q", 9)
    file.write_bytes(struct.pack("<3i", *version, 0) + seen + np.arange(count, dtype="<f4").tobytes())
    read_weights(net, file)
    return file


def made(net: DarknetNet, images: Tensor, layer: int) -> Tensor:
    """What a layer gives, heard at the convolution that reads it."""
    heard: list[Tensor] = []
    reader = net.blocks[str(layer + 1)]
    reader.register_forward_pre_hook(lambda _module, given: heard.append(given[0]))
    with torch.no_grad():
        net.eval()(images)
    return heard[0]


def test_steps_across_and_down_are_their_own() -> None:
    text = "[convolutional]\nfilters=2\nsize=3\npad=1\nstride_x=2\nstride_y=1\n[maxpool]\nsize=1\nstride=1\nstride_y=2\n"
    plan = make_plan(parse_cfg(NET + text + HEAD))
    assert [(layer.after.width, layer.after.height) for layer in plan.layers[:2]] == [(2, 2), (2, 1)]
    images = torch.rand(1, 3, 2, 4)
    assert made(DarknetNet(plan), images, 1).shape == (1, 2, 1, 2)


def test_a_mean_pool_leaves_out_what_lies_around() -> None:
    features = torch.tensor([[1.0, 2.0], [3.0, 6.0]])[None, None]
    pooled = MeanPool(Step(size=2, across=1, down=1, padding=1))(features)
    assert pooled[0, 0].tolist() == [[3.0, 4.0], [4.5, 6.0]]


def test_channels_are_scaled_by_what_is_told_of_all_places() -> None:
    text = (
        "[convolutional]\nfilters=3\nactivation=linear\n[avgpool]\n[convolutional]\nfilters=3\nactivation=linear\n"
        "[scale_channels]\nfrom=-3\nactivation=relu\n"
    )
    net = first_layers(text)
    with torch.no_grad():
        for index, sign in (("0", 1.0), ("2", -2.0)):
            convolution = net.blocks[index].get_submodule("0")
            convolution.get_parameter("weight").copy_(sign * torch.eye(3)[:, :, None, None])
            convolution.get_parameter("bias").zero_()
    images = torch.randn(2, 3, 2, 4)
    wanted = torch.relu(images * -2 * images.mean(dim=(2, 3), keepdim=True))
    torch.testing.assert_close(made(net, images, 3), wanted)


def test_a_route_takes_one_of_the_groups_of_channels() -> None:
    net = first_layers("[convolutional]\nfilters=4\n[route]\nlayers=-1\ngroups=2\ngroup_id=1\n")
    images = torch.randn(1, 3, 2, 4)
    torch.testing.assert_close(made(net, images, 1), net.blocks["0"](images)[:, 2:])


@pytest.mark.parametrize(("first", "second"), [(2, 5), (5, 2)])
def test_a_shortcut_adds_the_channels_that_both_have(first: int, second: int) -> None:
    net = first_layers(
        f"[convolutional]\nfilters={first}\n[convolutional]\nfilters={second}\n[shortcut]\nfrom=-2\n"
    )
    images = torch.randn(1, 3, 2, 4)
    others = net.blocks["0"](images)
    wanted = net.blocks["1"](others).detach()
    wanted[:, :2] += others[:, :2]
    torch.testing.assert_close(made(net, images, 2), wanted)


def test_attention_multiplies_places() -> None:
    net = first_layers("[activation]\nactivation=logistic\n[sam]\nfrom=-1\n")
    images = torch.randn(1, 3, 2, 4)
    torch.testing.assert_close(made(net, images, 1), images.sigmoid().square())


@pytest.mark.parametrize(
    ("lines", "shares"),
    [
        ("weights_type=per_feature", [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]),
        ("weights_type=per_channel", [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]),
        (
            "weights_type=per_channel\nweights_normalization=relu",
            [[0 / 3.0001, 1 / 5.0001, 2 / 7.0001], [3 / 3.0001, 4 / 5.0001, 5 / 7.0001]],
        ),
        (
            "weights_type=per_feature\nweights_normalization=softmax",
            [[0.36787944 / 1.36797944] * 3, [1 / 1.36797944] * 3],
        ),
    ],
)
def test_a_shortcut_with_weights(lines: str, shares: list[list[float]], tmp_path: Path) -> None:
    net = first_layers(f"[silence]\n[activation]\nactivation=relu\n[shortcut]\nfrom=-2\n{lines}\n")
    weights = 6 if "channel" in lines else 2
    assert net.plan.numbers == weights + 24
    file = numbered(net, tmp_path, count=weights + 24)
    images = torch.randn(1, 3, 2, 4)
    first, second = (torch.tensor(row)[:, None, None] for row in shares)
    torch.testing.assert_close(made(net, images, 2), images.relu() * first + images * second)
    write_weights(net, tmp_path / "again.weights", Header(version=(0, 2, 0), seen=9))
    assert (tmp_path / "again.weights").read_bytes() == file.read_bytes()


def test_upsampled_features_have_their_scale() -> None:
    net = first_layers("[upsample]\nstride=2\nscale=3\n")
    images = torch.randn(1, 3, 2, 4)
    wanted = 3 * images.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    torch.testing.assert_close(made(net, images, 0), wanted)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("revleaky", [-0.2, 1.0, 3.0]),
        ("normalize_channels", [0.0, 1 / 4.0001, 3 / 4.0001]),
        ("normalize_channels_softmax", [0.0058997, 0.1184991, 0.8755968]),
        ("normalize_channels_softmax_maxval", [0.0058992, 0.1184893, 0.8755240]),
    ],
)
def test_activations_of_all_channels(name: str, values: list[float]) -> None:
    # Shares of the exponentials 0.1353353, 2.7182818 and 20.0855369, and 0.0001 more in all; once divided by the largest.
    told = ACTIVATIONS[name](torch.tensor([-2.0, 1.0, 3.0]).view(1, 3, 1, 1)).flatten()
    assert told.tolist() == pytest.approx(values, abs=1e-6)


CONNECTED = "[connected]\noutput=2\nbatch_normalize=1\nactivation=linear\n"


def test_a_connected_layer_has_its_weights_before_its_scales(tmp_path: Path) -> None:
    net = DarknetNet(make_plan(parse_cfg(NET + CONNECTED + HEAD)))
    numbered(net, tmp_path, count=2 + 48 + 6 + 18)
    linear, norm = net.blocks["0"].get_submodule("1"), net.blocks["0"].get_submodule("2")
    assert norm.get_parameter("bias").tolist() == [0, 1]
    assert linear.get_parameter("weight").flatten().tolist() == list(range(2, 50))
    assert norm.get_parameter("weight").tolist() == [50, 51]
    assert norm.get_buffer("running_mean").tolist() == [52, 53]
    assert norm.get_buffer("running_var").tolist() == [54, 55]


def test_old_files_have_four_bytes_of_images_and_connected_weights_column_by_column(tmp_path: Path) -> None:
    net = DarknetNet(make_plan(parse_cfg(NET + CONNECTED + HEAD)))
    file = numbered(net, tmp_path, count=2 + 48 + 6 + 18, version=(1001, 0))
    weight = net.blocks["0"].get_submodule("1").get_parameter("weight")
    assert weight[:, :3].tolist() == [[2, 4, 6], [3, 5, 7]]
    assert read_weights(net, file) == Header(version=(1001, 0, 0), seen=9)
    write_weights(net, tmp_path / "again.weights", Header(version=(1001, 0, 0), seen=9))
    assert (tmp_path / "again.weights").read_bytes() == file.read_bytes()


def test_local_weights_are_place_by_place_behind_their_biases(tmp_path: Path) -> None:
    net = first_layers("[local]\nfilters=2\nsize=1\nactivation=linear\n")
    numbered(net, tmp_path, count=16 + 48 + 18)
    (local,) = net.blocks["0"].children()
    assert local.get_parameter("bias").flatten().tolist() == list(range(16))
    assert local.get_parameter("weight")[1].tolist() == [[22, 23, 24], [25, 26, 27]]


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        ("[convolutional]\nshare_index=0", "share"),
        ("[convolutional]\nantialiasing=1", "not known"),
        ("[convolutional]\nsize=9", "places only"),
        ("[maxpool]\nmaxpool_depth=1", "not known"),
        ("[maxpool]\nsize=9\npadding=0", "places only"),
        ("[local]\nsize=5\npad=1", "windows of 1 and 3"),
        ("[local]\nsize=5", "places only"),
        ("[shortcut]\nfrom=-1\nweights_type=odd", "known are none"),
        ("[activation]\n[scale_channels]\nfrom=-1", "before this layer"),
        ("[Gaussian_yolo]", "uncertainty"),
        ("[reorg3d]", "otherwise than"),
        ("[softmax]", "name whole images"),
        ("[gru]", "sequences"),
        ("[batchnorm]", "two ways"),
        ("[region]\ncoords=5\nnum=1\nclasses=1\nanchors=1,1", "coords=4"),
        ("[detection]\nside=1\nnum=1", "coords=4"),
        ("[yolo]\nnum=1\nclasses=1\nanchors=0,1", "above 0"),
    ],
)
def test_what_would_be_another_network_is_refused_with_its_line(layer: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        first_layers(f"[convolutional]\nfilters=6\n{layer}\n")
    assert says in str(caught.value)
    assert ".cfg:" in str(caught.value)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        # Bytes of the published files, less 20 of the header, by four.
        ("yolov4", 64_429_405),
        ("yolov4-tiny", 6_062_814),
        ("yolov4-csp", 52_986_205),
    ],
)
def test_the_fourth_generation_has_the_numbers_of_its_weights(
    real_data: Path, name: str, numbers: int
) -> None:
    file = real_data / "yolo_fastest_weights" / "cfg" / f"{name}.cfg"
    assert make_plan(read_cfg(file)).numbers == numbers


@pytest.mark.parametrize(("name", "numbers"), [("yolov4-tiny", 6_062_814), ("yolov3-tiny", 8_858_734)])
def test_bundled_networks_have_the_numbers_of_the_published_ones(name: str, numbers: int) -> None:
    from detcore.zoo.specs.darknet import DarknetOptions

    assert make_plan(parse_cfg(DarknetOptions(network=name).text)).numbers == numbers
