"""Loading weights files: what fits is taken, what does not is named, nothing in them is run."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models.detection import ssdlite320_mobilenet_v3_large

from detcore.errors import ConfigError
from detcore.zoo.detectors.reticle import Reticle
from detcore.zoo.detectors.ssdlite import SsdLite
from detcore.zoo.weights import load_weights


def equal(one: nn.Module, other: nn.Module, *, but: str = "-") -> bool:
    theirs = other.state_dict()
    return all(
        torch.equal(value, theirs[name])
        for name, value in one.state_dict().items()
        if not name.startswith(but)
    )


@pytest.mark.parametrize("prefix", ["", "module.", "ema.", "weights."])
def test_a_safetensors_file_is_taken_whole_under_any_usual_prefix(tmp_path: Path, prefix: str) -> None:
    source, goal = Reticle(2), Reticle(2)
    path = tmp_path / "weights.safetensors"
    save_file({prefix + name: value.contiguous() for name, value in source.state_dict().items()}, path)
    report = load_weights(goal, path)
    assert equal(source, goal)
    assert (report.missing, report.unexpected, report.mismatched) == ((), (), ())


def test_torchvisions_own_file_with_coco_classes_fits_but_for_its_head(tmp_path: Path) -> None:
    torch.manual_seed(3)
    source = ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=91)
    path = tmp_path / "ssdlite.pth"
    torch.save(source.state_dict(), path)
    goal = SsdLite(3, image_size=320)
    report = load_weights(goal, path)
    assert report.missing == ()
    assert report.unexpected == ()
    assert len(report.mismatched) == 12  # weight and bias of the class convolution of six maps
    assert all("classification_head" in entry for entry in report.mismatched)
    backbone = {name: value for name, value in goal.net.state_dict().items() if name.startswith("backbone")}
    assert all(torch.equal(value, source.state_dict()[name]) for name, value in backbone.items())
    assert "not fitting, starting afresh: net.head.classification_head" in report.text()


@pytest.mark.parametrize("wrapper", ["model", "state_dict"])
def test_wrapped_pt_files_are_unwrapped(tmp_path: Path, wrapper: str) -> None:
    source, goal = Reticle(2), Reticle(2)
    path = tmp_path / "weights.pt"
    torch.save({wrapper: source.state_dict(), "epoch": 3}, path)
    load_weights(goal, path)
    assert equal(source, goal)


def test_more_classes_keep_all_but_the_last_layer(tmp_path: Path) -> None:
    source, goal = Reticle(2), Reticle(5)
    path = tmp_path / "weights.safetensors"
    save_file({name: value.contiguous() for name, value in source.state_dict().items()}, path)
    report = load_weights(goal, path)
    assert len(report.mismatched) == 6
    assert equal(source, goal, but="heads")


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('ran')",))


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "evil.pt"
    torch.save({"state_dict": Evil()}, path)
    with pytest.raises(ConfigError, match="cannot read the weights") as told:
        load_weights(Reticle(2), path)
    assert "weights only" not in str(told.value).lower()  # torch says how to run it


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.safetensors", b""),
        ("text.safetensors", b"hello"),
        ("text.pt", b"hello"),
        ("numbers.pt", pickle.dumps([1, 2, 3])),
    ],
)
def test_files_that_hold_no_weights_are_refused_by_name(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=name):
        load_weights(Reticle(2), path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not found"):
        load_weights(Reticle(2), tmp_path / "none.pt")


def test_weights_of_something_else_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"layer.weight": torch.zeros(3)}, path)
    with pytest.raises(ConfigError, match="none of the tensors"):
        load_weights(Reticle(2), path)
