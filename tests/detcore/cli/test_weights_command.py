"""`weights`: listing, getting, bringing by hand; and a training that starts from what came."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest
import torch
from torchvision.models.detection import ssdlite320_mobilenet_v3_large

from detcore.cli import main
from detcore.cli.parser import make_parser
from detcore.cli.predicting import training_config
from detcore.jobs.config import TrainConfig
from detcore.project.edits import add_boxes, add_class
from detcore.project.project import Project
from detcore.types import Box
from detcore.weights.cache import published_weights
from detcore.weights.catalogue import WeightsFile, weights_files
from detcore.zoo.checkpoint import Checkpoint, RunState, write_checkpoint
from tests.loopback import CONTENT, Server, serving

Printed = pytest.CaptureFixture[str]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Publishes `tiny-coco`; the cache is empty."""
    monkeypatch.setenv("RETICLE_WEIGHTS", str(tmp_path / "cache"))
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving() as server:
        monkeypatch.setitem(cast("dict[str, WeightsFile]", weights_files()), "tiny-coco", server.file())
        yield server


def test_the_list_says_all_that_is_to_be_known_before_a_download(server: Server, capsys: Printed) -> None:
    assert main(["weights", "list"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].split() == ["name", "detector", "learnt", "from", "size", "licence", "source", "here"]
    # 13.418 MiB, as torchvision states it
    row = next(line for line in told if line.startswith("ssdlite320-coco"))
    assert row.split() == [
        "ssdlite320-coco",
        "ssdlite320",
        "COCO",
        "14.1",
        "MB",
        "BSD-3-Clause",
        "download.pytorch.org",
    ]
    assert main(["weights", "get", "tiny-coco"]) == 0
    capsys.readouterr()
    assert main(["weights", "list", "--json"]) == 0
    tiny = next(one for one in json.loads(capsys.readouterr().out) if one["name"] == "tiny-coco")
    assert (tiny["name"], tiny["bytes"], tiny["licence"]) == ("tiny-coco", 512_000, "BSD-3-Clause")
    assert Path(tiny["path"]).read_bytes() == CONTENT


def test_the_list_names_where_others_are_had_and_makes_up_nothing_of_their_files(capsys: Printed) -> None:
    assert main(["weights", "list"]) == 0
    told = capsys.readouterr().out.splitlines()
    row = next(
        line for line in told if line.endswith("https://huggingface.co/ustc-community/dfine-nano-coco")
    )
    assert row.split()[:3] == ["d-fine", "size=n", "COCO"]
    assert main(["weights", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    one = next(one for one in listed if one["url"] == "https://huggingface.co/facebook/detr-resnet-50")
    assert (one["detector"], one["options"]) == ("detr", {"size": "resnet50"})
    assert [one[key] for key in ("name", "bytes", "sha256", "licence", "path")] == [None] * 5


def test_getting_says_what_comes_from_where_and_where_it_lies(
    server: Server, tmp_path: Path, capsys: Printed
) -> None:
    assert main(["weights", "where"]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "cache")
    assert main(["weights", "get", "tiny-coco"]) == 0
    path = tmp_path / "cache" / "tiny-12345678.pth"
    told = capsys.readouterr().out.splitlines()
    assert told == ["tiny-coco: 0.5 MB, BSD-3-Clause, from 127.0.0.1", f"tiny-coco is in {path}"]
    assert main(["weights", "where", "tiny-coco"]) == 0
    assert capsys.readouterr().out.strip() == str(path)


def test_the_cache_may_be_anywhere(server: Server, tmp_path: Path) -> None:
    assert main(["weights", "--cache", str(tmp_path / "other"), "get", "tiny-coco"]) == 0
    assert (tmp_path / "other" / "tiny-12345678.pth").read_bytes() == CONTENT
    assert not (tmp_path / "cache").exists()


def test_a_server_without_the_file_is_told_with_the_way_by_hand(server: Server, capsys: Printed) -> None:
    server.answers = [404]
    assert main(["weights", "get", "tiny-coco"]) == 1
    told = capsys.readouterr().err
    assert "the server answered 404" in told
    assert "Without a network" in told


def test_a_file_brought_by_hand_is_taken_in(server: Server, tmp_path: Path, capsys: Printed) -> None:
    (tmp_path / "from-a-stick").write_bytes(CONTENT)
    assert main(["weights", "add", str(tmp_path / "from-a-stick")]) == 0
    assert capsys.readouterr().out.startswith("tiny-coco is in ")
    assert server.requests == []


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Six images with a box each."""
    (tmp_path / "images").mkdir()
    names = [f"{number}.png" for number in range(6)]
    for name in names:
        cv2.imwrite(str(tmp_path / "images" / name), np.full((80, 100, 3), 99, np.uint8))
    folder = tmp_path / "pets.reticle"
    with Project.create(folder, image_root=tmp_path / "images", image_paths=names) as project:
        project.edit(add_class, "cat")
        boxes = [Box(id=0, image_id=n, class_id=1, x1=10, y1=10, x2=50, y2=50) for n in project.image_ids()]
        project.edit(add_boxes, boxes)
    return folder


def test_a_training_starts_from_published_weights_by_their_name(
    tmp_path: Path, project: Path, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "ssdlite320-coco"
    monkeypatch.setenv("RETICLE_WEIGHTS", str(tmp_path / "cache"))
    words = ["train", str(project), "--model", "ssdlite320", "--epochs", "1", "--image-size", "128"]
    words += ["--batch-size", "2", "--weights", name]
    assert main(words) == 1
    assert f"{name} are not on this machine. Get them with `weights get {name}`" in capsys.readouterr().err
    assert not (tmp_path / "cache").exists()  # nothing is loaded that was not asked for
    assert list((project / "runs").iterdir()) == []

    published = tmp_path / "published.pth"
    torch.save(
        ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=91).state_dict(),
        published,
    )
    sha256 = hashlib.sha256(published.read_bytes()).hexdigest()
    card = replace(weights_files()[name], size=published.stat().st_size, sha256=sha256)
    monkeypatch.setitem(cast("dict[str, WeightsFile]", weights_files()), name, card)
    assert main(["weights", "add", str(published)]) == 0
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "tensors taken from the weights file" in told
    assert "classes that it knows: cat" in told  # COCO's names are not in the file
    (run,) = (project / "runs").iterdir()
    assert TrainConfig.load(run / "config.json").learning.weights == name


def test_a_file_that_is_called_as_published_weights_is_taken_for_them(tmp_path: Path) -> None:
    """So that its classes have names, wherever it lies."""
    file = weights_files()["ssdlite320-coco"]
    assert published_weights(str(tmp_path / file.file_name)) == published_weights(file.name) == file
    assert published_weights(str(tmp_path / "best.safetensors")) is None


def test_the_weights_of_a_run_bring_all_options_of_its_detector(tmp_path: Path) -> None:
    file = tmp_path / "best.safetensors"
    checkpoint = Checkpoint(
        state=RunState(step=1),
        model="compose",
        class_ids=(1,),
        image_size=64,
        config={},
        options={"neck": "fpn", "width": 96},
        tensors={"weights.a": torch.zeros(1)},
    )
    write_checkpoint(checkpoint, file)
    words = ["train", "p", "--weights", str(file), "--model"]
    options = training_config(make_parser().parse_args([*words, "compose"])).options
    assert (options["neck"], options["width"], options["head"]) == ("fpn", 96, "fcos")
    chosen = [*words, "compose:neck=pan", "--option", "width=32"]
    options = training_config(make_parser().parse_args(chosen)).options
    assert (options["neck"], options["width"]) == ("pan", 32)
    # what is of another detector, and the file of somebody else, say nothing
    assert training_config(make_parser().parse_args([*words, "reticle-s"])).options == {}
    file.write_bytes(b"no weights")
    assert training_config(make_parser().parse_args([*words, "compose"])).options == {}


def test_published_weights_bring_the_options_that_they_are_of() -> None:
    words = ["train", "p", "--model", "faster-rcnn", "--weights", "faster-rcnn-mobilenet-coco"]
    assert training_config(make_parser().parse_args(words)).options == {
        "backbone": "mobilenet_v3_large",
        "version": "v1",
    }
    words += ["--option", "backbone=resnet50"]
    assert training_config(make_parser().parse_args(words)).options == {
        "backbone": "resnet50",
        "version": "v1",
    }
