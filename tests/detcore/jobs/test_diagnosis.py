"""What is said of runs that do not learn, each with the events of one that does not; nothing of one that does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from detcore.jobs.diagnosis import Diagnosis, lost_by_class
from detcore.jobs.events import (
    LAYER_FIGURES,
    Data,
    Ended,
    EndReason,
    Event,
    Failed,
    FailureKind,
    Layers,
    Log,
    Started,
    Step,
    Validation,
)

GOOD = Data(
    image_size=320,
    images=80,
    boxes={"coin": 200, "nut": 90},
    small_boxes=3,
    tenth_side=16.0,
    judged_images=16,
    judged_boxes=60,
    largest_side=640,
    usual_side=640,
)


def steps(
    count: int, loss: Callable[[float], float], *, rate: float = 0.002, clipped: float = 0.0
) -> list[Event]:
    """Steps with a loss that follows from the share that is done."""
    return [
        Step(
            step=number,
            epoch=number / 10,
            time=number / 2,
            fraction=number / count,
            remaining=0.0,
            learning_rate=rate,
            losses={"class": loss(number / count) / 2, "box": loss(number / count) / 2},
            images_per_second=16.0,
            gradient=4.0,
            clipped=clipped,
        )
        for number in range(1, count + 1)
    ]


def judged(step: int, ap: float) -> Validation:
    return Validation(
        step=step, epoch=1.0, time=step / 2, metrics={"AP": ap}, per_class={"coin": ap}, best=False
    )


ENDED = Ended(reason=EndReason.COMPLETED, time=0.0)


def texts(*events: Event) -> str:
    return "\n".join(str(item) for item in Diagnosis(events).findings())


def falling(done: float) -> float:
    return 6.0 - 4.0 * done


def test_of_a_run_that_learns_nothing_is_said() -> None:
    assert not Diagnosis([GOOD, *steps(400, falling), judged(200, 0.3), judged(400, 0.5), ENDED]).findings()


def test_a_rising_loss_speaks_of_a_rate_that_is_too_high_and_names_a_lower_one() -> None:
    said = texts(GOOD, *steps(300, lambda done: 3.0 + 6.0 * done, rate=0.03))
    assert "The learning rate of 0.03 is probably too high. Train at 0.01 or less." in said
    assert "The loss rises" in said


def test_gradients_that_are_all_cut_while_nothing_is_learnt_speak_of_a_high_rate() -> None:
    said = texts(GOOD, *steps(300, lambda _done: 5.0, rate=0.03, clipped=1.0))
    assert "100% of the gradients were too long and cut" in said
    assert "too high" in said
    # the same gradients where it learns are nobody's business
    assert not texts(GOOD, *steps(300, falling, clipped=1.0), judged(300, 0.4))


def test_steps_that_change_nothing_speak_of_a_rate_that_is_too_low() -> None:
    figures = {name: [0.5, 0.5] for name in LAYER_FIGURES} | {"update": [2e-6, 4e-6]}
    layers = Layers(step=200, names=["a", "b"], figures=figures)
    said = texts(GOOD, *steps(300, lambda _done: 5.0, rate=1e-6), layers)
    assert "by 3.0e-06 of their length" in said
    assert "too low. Train at 1e-05" in said


def test_a_loss_that_is_no_number_names_a_rate_of_a_tenth() -> None:
    failed = Failed(failure=FailureKind.NON_FINITE_LOSS, message="the loss is not a number")
    assert "such as 0.0002" in texts(GOOD, *steps(30, falling), failed)
    again = Started(time=0.0, step=20, device="cpu", device_name="CPU")
    assert not texts(GOOD, *steps(30, falling), failed, again)


def test_small_boxes_are_counted_and_a_size_is_named_at_which_most_can_be_seen() -> None:
    """A tenth have sides up to 4 pixels: at twice the size those have 8."""
    said = texts(replace(GOOD, small_boxes=118, tenth_side=4.0))
    assert "118 of 290 boxes are smaller than 8 pixels at 320 pixels" in said
    assert "image size of 640" in said
    assert "tiles" in texts(replace(GOOD, small_boxes=118, tenth_side=1.0))


def test_of_tiles_a_side_is_named_at_which_most_can_be_seen_and_sizes_of_images_do_not_matter() -> None:
    """A tenth have sides up to 4 pixels: in tiles of half the side those have 8."""
    said = texts(replace(GOOD, small_boxes=118, tenth_side=4.0, tile_side=640))
    assert "smaller than 8 pixels in tiles of 640, seen at 320 pixels" in said
    assert "tiles of 320" in said
    assert not texts(replace(GOOD, largest_side=8000, tile_side=640))
    assert "larger image size" in texts(replace(GOOD, small_boxes=118, tenth_side=4.0, tile_side=64))


def test_where_few_boxes_are_small_what_is_advised_makes_them_larger_all_the_same() -> None:
    """A fifteenth of the boxes are smaller than 8 pixels, but a tenth have sides up to 9."""
    few = replace(GOOD, small_boxes=20, tenth_side=9.0)
    assert "image size of 416" in texts(few)  # the multiple of 32 from 1.25 · 320 on
    assert "tiles of 512" in texts(replace(few, tile_side=640))  # 640 / 1.25


def test_classes_with_few_boxes_and_with_none_are_named() -> None:
    said = texts(replace(GOOD, boxes={"coin": 200, "dent": 5, "key": 1, "leaf": 0}))
    assert "only 5 boxes of dent, 1 box of key to learn from" in said
    assert "no box of leaf to learn from" in said


@pytest.mark.parametrize(("images", "boxes", "is_said"), [(4, 60, True), (16, 9, True), (10, 30, False)])
def test_a_validation_that_is_too_small_is_said(images: int, boxes: int, is_said: bool) -> None:
    said = texts(replace(GOOD, judged_images=images, judged_boxes=boxes))
    assert (f"Validation has {images} images with {boxes} boxes" in said) is is_said


def test_one_huge_image_among_small_ones_is_said() -> None:
    assert "One image is 12,000 pixels long, the others usually 640" in texts(
        replace(GOOD, largest_side=12_000)
    )


def test_an_ap_of_zero_after_few_steps_is_for_lack_of_steps() -> None:
    assert "it has made 12 steps" in texts(GOOD, *steps(12, falling), judged(12, 0.0), ENDED)
    assert "after 800 steps" in texts(GOOD, *steps(800, falling), judged(800, 0.0), ENDED)
    early = [replace(event, fraction=event.fraction / 10) for event in steps(12, falling)]
    assert not texts(GOOD, *early, judged(12, 0.0))


def test_ap_that_falls_while_the_loss_does_is_learning_by_heart() -> None:
    aps = [judged(100, 0.3), judged(150, 0.52), judged(200, 0.47), judged(250, 0.45), judged(300, 0.4)]
    said = texts(GOOD, *steps(300, falling), *aps)
    assert "since step 150 AP on validation has fallen from 0.52 to 0.40" in said
    # when it comes back, it was chance
    assert not texts(GOOD, *steps(300, falling), *aps, judged(300, 0.53))


def test_images_that_cannot_be_read_are_counted_once_each() -> None:
    lost = [Log(level="warning", text=f"Left out: {name}: no such file") for name in ("a", "b", "a")]
    assert "2 images were left out" in texts(GOOD, *lost)


def test_steps_after_the_checkpoint_that_a_run_goes_on_from_are_forgotten() -> None:
    rising = steps(300, lambda done: falling(done) if done < 0.5 else 9.0)
    again = Started(time=0.0, step=140, device="cpu", device_name="CPU")
    assert "The loss rises" in texts(GOOD, *rising)
    assert not texts(GOOD, *rising, again)


def test_what_classes_cost_adds_up_to_what_ap_lacks() -> None:
    event = replace(judged(5, 0.7), per_class={"coin": 0.9, "key": 0.4, "nut": 0.8})
    assert lost_by_class(event) == [
        ("key", pytest.approx(0.2)),
        ("nut", pytest.approx(0.2 / 3)),
        ("coin", pytest.approx(0.1 / 3)),
    ]
