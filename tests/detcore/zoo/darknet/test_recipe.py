"""How a `.cfg` says that its network is trained, and what of it is not used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from detcore.errors import ConfigError
from detcore.jobs.config import TrainConfig
from detcore.training.load import choose_learning_rate, choose_load
from detcore.training.schedule import make_schedule
from detcore.zoo.catalogue import find_detector
from tests.detcore.zoo.darknet.test_cfg import SMALL


def config_of(*lines: str, head: str = "") -> TrainConfig:
    """The settings that a network with such lines in ``[net]`` brings."""
    text = SMALL.replace("height=64\n", "height=64\n" + "".join(f"{line}\n" for line in lines)) + head
    return TrainConfig().for_detector("darknet", {"cfg": text})


def rate_at(config: TrainConfig, *, step: int, t: float) -> float:
    return config.recipe.learning_rate * make_schedule(config).factor(step=step, fraction=t)


@pytest.mark.parametrize(
    ("lines", "at_a_time", "times"),
    [
        (("batch=64", "subdivisions=16"), 4, 16),
        (("batch=64", "subdivisions=8"), 8, 8),
        (("batch=8",), 8, 1),
        (("batch=1", "subdivisions=1"), 8, 8),
        ((), 8, 8),
    ],
)
def test_the_rate_is_that_of_all_images_of_a_step(lines: tuple[str, ...], at_a_time: int, times: int) -> None:
    config = config_of(*lines, "learning_rate=.001")
    load = choose_load(config, on_gpu=False, images=10_000, attempt=0)
    assert (load.batch_size, load.accumulate) == (at_a_time, times)
    assert choose_learning_rate(config, load) == pytest.approx(0.001)


def test_steps_have_their_own_scales_and_those_before_the_first_image_count() -> None:
    # As in yolov2-tiny-voc.cfg: a tenth at first, all of it from batch 100 on.
    config = config_of(
        "learning_rate=1",
        "max_batches=40200",
        "policy=steps",
        "steps=-1,100,20000,30000",
        "scales=.1,10,.1,.1",
    )
    rates = [rate_at(config, step=0, t=batch / 40200) for batch in (0, 99, 101, 19_000, 21_000, 31_000)]
    assert rates == pytest.approx([0.1, 0.1, 1.0, 1.0, 0.1, 0.01])


def test_a_step_after_the_end_never_comes() -> None:
    config = config_of("learning_rate=1", "max_batches=100", "policy=steps", "steps=50,100", "scales=.5,.1")
    assert [rate_at(config, step=0, t=t) for t in (0.4, 1.0)] == pytest.approx([1.0, 0.5])


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("policy=poly", "power=2"), [1.0, 0.25]),
        (("policy=poly",), [1.0, 0.0625]),
        (("policy=exp", "gamma=.99"), [1.0, 0.99**500]),
        (("policy=step", "step=200", "scale=.5"), [1.0, 0.25]),
        (("policy=sigmoid", "gamma=.01", "step=500"), [1 / (1 + 2.718281828**-5), 0.5]),
        (("policy=sgdr", "learning_rate_min=.2"), [1.0, 0.6]),
        (("policy=constant",), [1.0, 1.0]),
    ],
)
def test_other_courses_at_the_start_and_half_way(lines: tuple[str, ...], expected: list[float]) -> None:
    config = config_of("learning_rate=1", "max_batches=1000", *lines)
    assert [rate_at(config, step=0, t=t) for t in (0.0, 0.5)] == pytest.approx(expected, rel=1e-4)


def test_a_burn_in_grows_with_the_fourth_power() -> None:
    config = config_of("learning_rate=1", "burn_in=1000")
    # At its half 1/16; the first steps of darknet are counted from one.
    assert [rate_at(config, step=step, t=0.0) for step in (499, 999, 2000)] == pytest.approx([0.0625, 1, 1])
    assert rate_at(config, step=0, t=0.05) == pytest.approx(0.0625)  # of a short run a tenth


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (("policy=random",), "drawn anew"),
        (("learning_rate=-.1",), "more than 0"),
        (("momentum=1.5",), "from 0 up to 1"),
        (("decay=-1",), "at least 0"),
        (("policy=magic",), "known are"),
        (("policy=steps", "steps=1,2", "scales=.1", "max_batches=9"), "2 numbers are expected"),
        (("policy=steps", "steps=2,1", "scales=.1,.1", "max_batches=9"), "numbers that grow"),
        (("policy=steps", "steps=1", "scales=.1"), "max_batches: it is needed"),
        (("policy=sgdr", "max_batches=100", "sgdr_cycle=10"), "one cycle"),
        (("width=96",), "not used here: line 4: width=96, since width=64 stands in line 2"),
    ],
)
def test_what_cannot_be_had_is_refused_and_what_is_left_is_told(lines: tuple[str, ...], says: str) -> None:
    text = SMALL.replace("height=64\n", "height=64\n" + "".join(f"{line}\n" for line in lines))
    try:
        card = find_detector("darknet").fitted_to({"cfg": text})
        told = "\n".join(card.notes_on({"cfg": text}, classes=2))
    except ConfigError as error:
        told = str(error)
    assert says in told


def test_images_change_as_the_file_says() -> None:
    config = config_of(
        "saturation=1.5", "exposure=.5", "hue=.1", "angle=7", "flip=0", head="jitter=.3\nrandom=1.3\n"
    )
    changes = config.augmentation
    assert (changes.saturation, changes.brightness, changes.hue) == pytest.approx((0.5, 1.0, 0.1))
    assert (changes.rotation, changes.flip_horizontal, changes.colour_jitter) == (7.0, False, False)
    assert changes.scale_jitter == pytest.approx(0.6)
    assert config.learning.multi_scale == pytest.approx(0.3)


def test_lines_that_change_nothing_here_are_told_with_the_classes_that_changed() -> None:
    head = "resize=1.5\nnms_kind=diounms\nbeta_nms=.6\ncounters_per_class=3,4\ntruth_thresh=1\nmax=90\n"
    text = SMALL + head
    told = find_detector("darknet").notes_on({"cfg": text}, classes=5)
    assert told == [
        "line 21: filters=21 → 30",
        "line 27: classes=2 → 5",
        "not used here: line 29: resize=1.5",
        "not used here: line 30: nms_kind=diounms",
        "not used here: line 31: beta_nms=.6",
        "not used here: line 34: max=90",
    ]
    # Counts of two classes are of no use for five, and are told when these are.
    again = text.replace("classes=2", "classes=5").replace("filters = 21", "filters = 30")
    assert "not used here: line 32: counters_per_class=3,4" in find_detector("darknet").notes_on(
        {"cfg": again}, classes=5
    )


def test_frames_are_stretched_unless_the_file_says_otherwise() -> None:
    wide = SMALL.replace("width=64 ", "width=96 ")
    rule = find_detector("darknet").fitted_to({"cfg": wide}).input
    assert (rule.resize, rule.image_size, rule.smooth) == ("stretch", 96, False)
    assert rule.aspect == pytest.approx(64 / 96)
    boxed = SMALL.replace("[net]", "[net]\nletter_box=1")
    assert find_detector("darknet").fitted_to({"cfg": boxed}).input.resize == "letterbox"


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "settings"),
    [
        ("darknet_cfg/cfg/yolov3.cfg", {"batch_size": 4, "accumulate": 16}),
        ("darknet_cfg/cfg/yolov3-openimages.cfg", {"batch_size": 8, "accumulate": 8}),  # batch=1 stands first
        ("yolo_fastest_weights/cfg/yolov4.cfg", {"batch_size": 8, "accumulate": 8, "mosaic": 0.5}),
    ],
)
def test_published_files(real_data: Path, file: str, settings: dict[str, Any]) -> None:
    text = (real_data / file).read_text()
    card = find_detector("darknet").fitted_to({"cfg": text})
    assert {name: card.settings[name] for name in settings} == settings
    assert card.recipe.batch_size == 64
