"""How images are drawn as a run goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from detcore.data.cache import ImageCache
from detcore.data.draws import Draws
from detcore.data.samples import Sample
from detcore.data.sizes import Sizes
from detcore.errors import ConfigError
from detcore.jobs.config import TrainConfig
from detcore.jobs.settings.augmentation import Augmentation
from detcore.jobs.settings.learning import Learning
from detcore.training.load import Load
from detcore.training.phases import Phases
from detcore.training.stretch import begin_stretch
from detcore.zoo.checkpoint import RunState

LOAD = Load(batch_size=8, accumulate=1, image_size=320)
PLAIN = Augmentation(flip_horizontal=False, scale_jitter=0.0, colour_jitter=False)


def phases(state: RunState, *, load: Load = LOAD, **learning: Any) -> Phases:
    return Phases(TrainConfig(learning=Learning(**learning)), load, state, world_size=1)


def test_images_are_small_until_the_share_is_reached_and_the_batches_that_are_made_then_are_used() -> None:
    """A third less of 320 pixels is 208, of which the nearest multiple of 32 is 192."""
    state = RunState()
    drawing = phases(state, minutes=4.0, small_until=0.5)
    drawing.reach(0.0)
    assert drawing.scale(0) == 192 / 320
    state.drawn = 800
    drawing.reach(0.49)
    assert drawing.scale(816) == 192 / 320
    drawing.reach(0.5)
    assert [drawing.scale(800 + ahead) for ahead in (0, 8, 16, 24, 32)] == [0.6, 0.6, 0.6, 1.0, 1.0]


def test_no_image_is_smaller_than_the_smallest_that_can_be_chosen() -> None:
    drawing = phases(
        RunState(), load=replace(LOAD, image_size=64), minutes=4.0, small_until=0.5, multi_scale=0.5
    )
    drawing.reach(0.0)
    assert {round(64 * drawing.scale(8 * row)) for row in range(50)} == {64}


def test_a_resumed_run_draws_the_sizes_that_it_would_have_drawn() -> None:
    state = RunState(drawn=800)
    phases(state, minutes=4.0, small_until=0.5).reach(0.5)
    again = phases(replace(state, drawn=808), minutes=4.0, small_until=0.5)
    again.reach(0.51)
    assert [again.scale(number) for number in (808, 816, 824)] == [0.6, 0.6, 1.0]


def test_a_run_of_passes_and_what_is_added_to_a_run_have_full_size_from_the_start() -> None:
    passes = phases(RunState(), minutes=None, epochs=3, small_until=0.5)
    passes.reach(0.0)
    assert passes.scale(0) == 1.0
    state = RunState(drawn=800, seconds=240.0, complete=True)
    begin_stretch(state)
    added = phases(state, minutes=8.0, small_until=0.5)
    added.reach(0.0)
    assert added.scale(800) == 1.0


def test_weights_that_know_the_task_begin_at_full_size_unless_another_was_chosen() -> None:
    by_itself = phases(RunState(fine_tuning=True), minutes=4.0)
    chosen = phases(RunState(fine_tuning=True), minutes=4.0, small_until=0.5)
    for drawing in (by_itself, chosen):
        drawing.reach(0.0)
    assert (by_itself.scale(0), chosen.scale(0)) == (1.0, 0.6)


def test_reticle_in_its_sizes_begins_small_and_others_as_their_recipe_says() -> None:
    sizes = ("reticle-n", "reticle-s", "reticle-m")
    assert [TrainConfig(detector=size).small_until for size in sizes] == [0.5, 0.5, 0.5]
    assert TrainConfig(detector="fcos").small_until == 0.0
    assert TrainConfig(learning=Learning(small_until=0.0)).small_until == 0.0


MIXED = Augmentation(mosaic=1.0, mixup=0.5, cutmix=0.5, copy_paste=0.5, close_after=0.75)


def test_images_are_mixed_until_the_share_is_reached_and_the_batches_that_are_made_then_are_used() -> None:
    """Three batches of 8 from each of two processes are in the making."""
    state = RunState()
    drawing = Phases(TrainConfig(augmentation=MIXED), LOAD, state, world_size=2)
    drawing.reach(0.0)
    assert drawing.plan(0) == MIXED
    state.drawn = 800
    drawing.reach(0.74)
    assert drawing.plan(10**6) == MIXED
    drawing.reach(0.75)
    mosaics = [drawing.plan(800 + 16 * ahead).mosaic for ahead in range(5)]
    assert mosaics == [1.0, 1.0, 1.0, 0.0, 0.0]
    last = drawing.plan(10**6)
    assert (last.mosaic, last.mixup, last.cutmix, last.copy_paste) == (0.0, 0.0, 0.0, 0.0)
    assert last == replace(MIXED, mosaic=0.0, mixup=0.0, cutmix=0.0, copy_paste=0.0)
    # it stays where it was, also for a run that is taken up
    state.drawn = 880
    again = Phases(TrainConfig(augmentation=MIXED), LOAD, replace(state), world_size=2)
    again.reach(0.8)
    assert [again.plan(800 + 16 * ahead).mosaic for ahead in range(5)] == mosaics


@pytest.mark.parametrize(("close_after", "mosaic"), [(0.0, 0.0), (1.0, 1.0)])
def test_mixing_may_end_with_the_first_batches_or_never(close_after: float, mosaic: float) -> None:
    plan = replace(MIXED, close_after=close_after)
    drawing = Phases(TrainConfig(augmentation=plan), LOAD, RunState(), world_size=1)
    for done in range(10):
        drawing.reach(done / 10)
    assert drawing.plan(24).mosaic == mosaic


def test_each_batch_has_a_size_of_its_own_within_the_range_and_always_the_same() -> None:
    drawing = phases(RunState(), minutes=4.0, small_until=0.0, multi_scale=0.4)
    drawing.reach(0.0)
    sides = [round(320 * drawing.scale(8 * row)) for row in range(400)]
    assert set(sides) == {192, 224, 256, 288, 320, 352, 384, 416, 448}
    again = phases(RunState(), minutes=4.0, small_until=0.0, multi_scale=0.4)
    again.reach(0.0)
    assert [round(320 * again.scale(8 * row)) for row in range(400)] == sides
    config = TrainConfig(learning=Learning(multi_scale=0.4))
    assert Sizes(config, 320).largest == 448


def test_an_image_is_drawn_so_many_times_as_large_with_its_boxes(tmp_path: Path) -> None:
    image = np.full((240, 320, 3), 60, np.uint8)
    image[40:140, 80:180] = 250
    cv2.imwrite(str(tmp_path / "a.png"), image)
    sample = Sample(
        image_id=1,
        path=str(tmp_path / "a.png"),
        boxes=np.array([[80, 40, 180, 140]], np.float32),
        labels=np.array([0]),
        ignore=np.zeros((0, 4), np.float32),
    )
    draws = Draws(
        [sample], ImageCache(longer_side=320), seed=0, problem=lambda error: pytest.fail(str(error))
    )
    drawn = draws.item(0, PLAIN, scale=0.6)
    assert drawn is not None
    assert drawn.labelled.image.shape == (160, 192, 3), "144 rows are filled up to a multiple of 32"
    np.testing.assert_allclose(drawn.labelled.boxes, [[48, 24, 108, 84]], atol=1e-4)
    bright = drawn.labelled.image[..., 0] > 155
    rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    assert (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) == (48, 24, 108, 84)


def test_a_detector_of_one_size_refuses_several() -> None:
    config = TrainConfig(detector="ssd300-vgg16", learning=Learning(multi_scale=0.2))
    with pytest.raises(ConfigError, match="frame of one size"):
        config.check()
