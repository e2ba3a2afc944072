"""Where published weights lie, and how they are brought by hand."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from detcore.errors import Cancelled, ConfigError
from detcore.weights.cache import WeightsCache, check_weights, default_cache, weights_path
from detcore.weights.catalogue import WeightsFile, find_weights, weights_files, weights_for
from detcore.zoo.catalogue import detectors
from tests.loopback import CONTENT, SHA256, Server

TINY = Server(url="https://example.invalid").file()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WeightsCache:
    """A cache; one small file is known beside the real ones."""
    monkeypatch.setitem(cast("dict[str, WeightsFile]", weights_files()), TINY.name, TINY)
    monkeypatch.setenv("RETICLE_WEIGHTS", str(tmp_path / "cache"))
    return default_cache()


@pytest.fixture
def brought(tmp_path: Path) -> Path:
    """A folder with the file, under another name, among others."""
    folder = tmp_path / "stick"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("something else")
    (folder / "b.pth").write_bytes(b"x" * len(CONTENT))
    (folder / "deep" / "download (1)").write_bytes(CONTENT)
    return folder


def test_a_file_is_known_by_its_content_whatever_it_is_called(cache: WeightsCache, brought: Path) -> None:
    assert cache.add(brought / "deep" / "download (1)") == (TINY,)
    assert cache.path(TINY).read_bytes() == CONTENT
    assert cache.check(TINY) == cache.path(TINY)
    assert [path.name for path in cache.folder.iterdir()] == ["tiny-12345678.pth"]


def test_a_folder_is_looked_through(cache: WeightsCache, brought: Path) -> None:
    assert cache.add(brought) == (TINY,)
    assert cache.has(TINY)
    assert cache.add(cache.folder) == (TINY,)  # of itself nothing is copied
    assert cache.path(TINY).read_bytes() == CONTENT


def test_a_file_of_the_right_name_that_is_wrong_is_refused_with_what_was_expected(
    cache: WeightsCache, tmp_path: Path
) -> None:
    wrong = tmp_path / "tiny-12345678.pth"
    wrong.write_bytes(b"page not found")
    with pytest.raises(ConfigError) as told:
        cache.add(wrong)
    # `printf 'page not found' | sha256sum`
    for word in ("14 bytes", "512,000 bytes", SHA256[:8], "26001b41", "https://example.invalid/models/"):
        assert word in str(told.value)
    assert not cache.folder.exists()


def test_an_unknown_file_and_an_empty_folder_are_refused(
    cache: WeightsCache, brought: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"none of the weights.*Start from in the window"):
        cache.add(brought / "b.pth")
    (brought / "deep" / "download (1)").unlink()
    with pytest.raises(ConfigError, match=r"no weights that Reticle knows.*tiny-12345678\.pth"):
        cache.add(brought)
    with pytest.raises(ConfigError, match="no such file or folder"):
        cache.add(tmp_path / "nothing")


def test_adding_can_be_stopped_and_leaves_nothing(cache: WeightsCache, brought: Path) -> None:
    asked: list[int] = []
    with pytest.raises(Cancelled):
        cache.add(brought / "deep" / "download (1)", progress=lambda done, _total: bool(asked.append(done)))
    assert asked == [len(CONTENT)]
    assert not cache.folder.exists()


def test_what_a_training_starts_from_is_there_and_whole(
    cache: WeightsCache, brought: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        ConfigError, match=r"tiny-coco are not on this machine\. Get them with `weights get tiny-coco`"
    ):
        check_weights("tiny-coco")
    cache.add(brought)
    check_weights("tiny-coco")
    assert weights_path("tiny-coco") == tmp_path / "cache" / "tiny-12345678.pth"
    weights_path("tiny-coco").write_bytes(b"x" * len(CONTENT))
    with pytest.raises(ConfigError, match="damaged"):
        check_weights("tiny-coco")
    check_weights(str(brought / "b.pth"))
    with pytest.raises(ConfigError, match="no such weights file"):
        check_weights(str(brought / "none.pth"))


def test_a_file_that_has_the_name_of_a_published_one_must_have_its_sum(tmp_path: Path) -> None:
    path = tmp_path / "fcos_resnet50_fpn_coco-99b0c9b7.pth"
    path.write_bytes(b"something else")
    with pytest.raises(ConfigError, match=r"this is not fcos-coco: it has 14 bytes .* sha256 99b0c9b7"):
        check_weights(str(path))
    path.rename(tmp_path / "mine.pth")
    check_weights(str(tmp_path / "mine.pth"))


@pytest.mark.parametrize(
    ("platform", "environment", "folder"),
    [
        ("linux", {}, "{home}/.cache/reticle/weights"),
        ("linux", {"XDG_CACHE_HOME": "/var/c"}, "/var/c/reticle/weights"),
        ("linux", {"XDG_CACHE_HOME": "c"}, "{home}/.cache/reticle/weights"),
        ("darwin", {}, "{home}/Library/Caches/reticle/weights"),
        ("win32", {"LOCALAPPDATA": "/users/a/local"}, "/users/a/local/reticle/weights"),
        ("linux", {"RETICLE_WEIGHTS": "/data/w"}, "/data/w"),
        ("linux", {"RETICLE_WEIGHTS": "~/w"}, "{home}/w"),
    ],
)
def test_the_folder_is_that_of_the_system_unless_another_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, platform: str, environment: dict[str, str], folder: str
) -> None:
    for name in ("RETICLE_WEIGHTS", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert default_cache().folder == Path(folder.format(home=tmp_path))


def test_a_file_that_publishers_call_like_many_others_is_not_taken_for_theirs(
    cache: WeightsCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = cast("dict[str, WeightsFile]", weights_files())
    one, other = (
        replace(TINY, name=name, url=f"https://example.invalid/{name}/model.safetensors")
        for name in ("blob-coco", "blob-large-coco")
    )
    monkeypatch.setitem(known, one.name, one)
    monkeypatch.setitem(known, other.name, other)
    assert cache.path(one).name == "blob-coco-model.safetensors"
    assert cache.path(other).name == "blob-large-coco-model.safetensors"
    own = tmp_path / "model.safetensors"
    own.write_bytes(b"what somebody has learnt")
    check_weights(str(own))


def test_the_files_that_a_card_names_are_those_of_its_detector() -> None:
    listed = {spec.id: [file.name for file in weights_for(spec.id)] for spec in detectors().values()}
    assert listed["faster-rcnn"] == [
        "faster-rcnn-coco",
        "faster-rcnn-v2-coco",
        "faster-rcnn-mobilenet-coco",
        "faster-rcnn-mobilenet-320-coco",
        "faster-rcnn-resnet50-imagenet",
        "faster-rcnn-resnet18-imagenet",
        "faster-rcnn-mobilenet-imagenet",
    ]
    assert listed["ssd300-vgg16"] == ["ssd300-vgg16-coco", "ssd300-vgg16-imagenet"]
    assert listed["reticle-s"] == ["reticle-s-scenes"]
    assert listed["reticle-n"] == []


def test_the_catalogue_is_as_torchvision_has_it() -> None:
    from torchvision.models import get_model_weights

    published = {
        weights.url: weights
        for name in (
            "ssdlite320_mobilenet_v3_large",
            "ssd300_vgg16",
            "retinanet_resnet50_fpn",
            "fcos_resnet50_fpn",
            "fasterrcnn_resnet50_fpn",
            "fasterrcnn_mobilenet_v3_large_fpn",
            "retinanet_resnet50_fpn_v2",
            "fasterrcnn_resnet50_fpn_v2",
            "fasterrcnn_mobilenet_v3_large_320_fpn",
            "resnet18",
            "shufflenet_v2_x1_0",
            "resnet50",
            "mobilenet_v3_large",
            "vgg16",
        )
        for weights in get_model_weights(name)
    }
    for file in weights_files().values():
        if file.package:
            continue
        assert file.url in published
        assert round(file.size / 2**20, 3) == published[file.url].meta["_file_size"]
        assert file.file_name.endswith(f"-{file.sha256}.pth")
        assert file.licence == "BSD-3-Clause"


def test_an_unknown_name_is_told_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match="ssdlite320-coco"):
        find_weights("yolo")
