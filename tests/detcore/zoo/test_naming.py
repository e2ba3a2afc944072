"""What users call a detector in one word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from detcore.cli import main
from detcore.errors import ConfigError
from detcore.jobs.config import TrainConfig
from detcore.zoo.catalogue import find_detector, read_model
from tests.detcore.zoo.darknet.test_cfg import SMALL


def test_a_word_names_a_detector_alone_or_with_options_or_a_network_of_darknet(tmp_path: Path) -> None:
    file = tmp_path / "own.CFG"
    file.write_text(SMALL, encoding="utf-8")
    assert read_model("fcos") == ("fcos", {})
    assert read_model("compose:head=retina,neck=bifpn,anchors=8,16, 32,64,width=96") == (
        "compose",
        {"head": "retina", "neck": "bifpn", "anchors": "8,16, 32,64", "width": 96},
    )
    assert read_model(str(file)) == ("darknet", {"cfg": SMALL})


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("fasterrcnn", "not installed"),
        ("compose:pan", "'pan' is no option"),
        ("compose:neck=pam", "must be fpn or pan"),
        ("compose:leg=pan", "has no option 'leg'"),
        ("missing.cfg", "cannot read the file"),
    ],
)
def test_a_word_that_names_nothing_is_refused_with_what_could_be_said(word: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_model(word)


def test_a_file_that_is_no_text_or_too_long_for_one_is_refused(tmp_path: Path) -> None:
    for content, said in ((b"\xff\xfe\x00", "no text"), (b"#" * (1 << 20) + b"\n", "too long")):
        file = tmp_path / "odd.cfg"
        file.write_bytes(content)
        with pytest.raises(ConfigError, match=said):
            read_model(str(file))


def test_the_card_of_a_network_of_darknet_is_what_its_file_says() -> None:
    spec = find_detector("darknet")
    assert spec.fitted_to({}).classes == 80
    own = spec.fitted_to({"cfg": SMALL})
    assert own.input.image_size == 64
    assert own.recipe.optimiser == "sgd"
    with pytest.raises(ConfigError, match="begins with"):
        spec.fitted_to({"cfg": "hello=1"})


def test_settings_follow_the_card_of_the_detector_unless_the_user_has_changed_them() -> None:
    usual = TrainConfig()
    darknet = usual.for_detector("darknet", {})
    # what its .cfg says
    assert darknet.augmentation.hue == 0.1
    assert usual.augmentation.hue != 0.1
    assert darknet.for_detector("reticle-s", {}) == usual
    changed = darknet.with_settings({"hue": 0.3})
    assert changed.for_detector("reticle-s", {}) == usual.with_settings({"hue": 0.3})


def test_a_network_of_darknet_is_counted_with_its_own_classes_or_with_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "own.cfg"
    file.write_text(SMALL, encoding="utf-8")
    assert main(["model-info", str(file), "--json"]) == 0
    own = json.loads(capsys.readouterr().out)
    assert main(["model-info", str(file), "--json", "--classes", "9"]) == 0
    other = json.loads(capsys.readouterr().out)
    # 8 filters of 3 × 3 × 3 with four numbers each for their batch norm, and 3 anchors of 2 or 9 classes and 5 numbers
    assert (own["classes"], own["params"]) == (2, 8 * 27 + 8 * 4 + 21 * 8 + 21)
    assert other["params"] == 8 * 27 + 8 * 4 + 42 * 8 + 42
