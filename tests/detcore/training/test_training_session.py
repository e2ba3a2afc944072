"""Whole runs on small images: they end well, repeat exactly, go on after any kind of end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from detcore.curation.emphasis import Emphasis, ImageErrors
from detcore.curation.lesson import Lesson
from detcore.errors import ConfigError, ImageError
from detcore.inference.predictor import Predictor
from detcore.jobs import events
from detcore.jobs.events import EndReason, Event, FailureKind
from detcore.jobs.worker_process import StopFlags
from detcore.options import option
from detcore.project.runs import RunFolder
from detcore.project.snapshot import Snapshot
from detcore.training.distributed import Group
from detcore.training.failures import TrainingError
from detcore.training.session import Session, TrainingResult
from detcore.types import Detections, Status
from detcore.zoo.catalogue import detectors, find_detector
from detcore.zoo.checkpoint import read_checkpoint
from detcore.zoo.running import Compute
from detcore.zoo.specs.reticle import ReticleOptions
from tests.settings_of_runs import change_settings

MakeRun = Callable[..., RunFolder]


def train(
    run: RunFolder, *, attempt: int = 0, on_event: Callable[[Event, StopFlags], None] | None = None
) -> tuple[TrainingResult, list[Event]]:
    heard: list[Event] = []
    flags = StopFlags()

    def emit(event: Event) -> None:
        heard.append(event)
        if on_event is not None:
            on_event(event, flags)

    result = Session(run, attempt=attempt, emit=emit, flags=flags, group=Group()).train()
    return result, heard


def of_kind(heard: list[Event], kind: type[Event]) -> list[Event]:
    return [event for event in heard if isinstance(event, kind)]


def weights(path: Path) -> dict[str, torch.Tensor]:
    return read_checkpoint(path).tensors


def test_a_run_of_two_epochs_completes_with_all_its_files(make_run: MakeRun) -> None:
    run = make_run(images=12, val=4, epochs=2, batch_size=4)
    result, heard = train(run)
    assert result.reason is EndReason.COMPLETED
    assert result.state.step == 4
    assert {path.name for path in run.path.iterdir()} >= {"last.safetensors", "best.safetensors"}
    started = of_kind(heard, events.Started)[0]
    assert (started.device, started.images, started.batch_size) == ("cpu", 8, 4)
    steps = of_kind(heard, events.Step)
    assert steps[-1].fraction == 1.0
    assert steps[-1].epoch == 2.0
    assert set(steps[-1].losses) == {"class", "box", "edges"}
    assert of_kind(heard, events.Validation)


def test_two_runs_with_the_same_seed_end_with_equal_weights(make_run: MakeRun) -> None:
    first, second = make_run(name="001-a"), make_run(name="002-b")
    train(first)
    train(second)
    one, other = weights(first.last), weights(second.last)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_another_seed_gives_other_weights(make_run: MakeRun) -> None:
    first, second = make_run(name="001-a"), make_run(name="002-b", seed=1)
    train(first)
    train(second)
    one, other = weights(first.last), weights(second.last)
    assert any(not torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("rate_groups", [{}, {"backbone.": 0.1}])
def test_a_stopped_and_resumed_run_equals_one_that_was_never_stopped(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, rate_groups: dict[str, float]
) -> None:
    spec = find_detector("reticle-n")
    recipe = replace(spec.recipe, rate_groups=rate_groups)
    monkeypatch.setitem(detectors(), "reticle-n", replace(spec, recipe=recipe))  # type: ignore[arg-type]
    whole = make_run(name="001-whole", epochs=3)
    train(whole)
    parts = make_run(name="002-parts", epochs=3)

    def stop_early(event: Event, flags: StopFlags) -> None:
        if isinstance(event, events.Step):
            flags.stop.set()

    stopped, _ = train(parts, on_event=stop_early)
    assert stopped.reason is EndReason.STOPPED
    assert 0 < stopped.state.step < 7
    resumed, heard = train(parts)
    assert resumed.reason is EndReason.COMPLETED
    assert of_kind(heard, events.Started)[0].step == stopped.state.step
    one, other = weights(whole.last), weights(parts.last)
    assert all(torch.allclose(one[name], other[name], atol=1e-6) for name in one if name[:6] == "weight")


def test_a_taught_run_that_was_stopped_and_resumed_equals_one_that_was_not(make_run: MakeRun) -> None:
    """Of seven images to learn from four have labels; the teacher is 0.7 sure of what is in the others."""
    runs = [make_run(name=name, images=8, val=1, epochs=2, teacher="000-t") for name in ("001-w", "002-p")]
    for run in runs:
        snapshot = Snapshot.load(run.snapshot)
        gt = snapshot.ground_truth
        lesson = Lesson(
            detections=Detections(
                image_ids=gt.image_ids, labels=gt.labels, boxes=gt.boxes, scores=np.full(len(gt), 0.7)
            ),
            looked_at=np.arange(2, 9),
        )
        lesson.save(run.lesson)
        bare = tuple(replace(image, status=Status.UNSEEN) for image in snapshot.images)
        replace(snapshot, images=bare, ground_truth=gt.take(gt.image_ids < 7)).save(run.snapshot)
    whole, parts = runs
    _, heard = train(whole)
    assert (
        of_kind(heard, events.Started)[0].images == 7
    )  # the fourth has neither a label nor a place to judge by
    train(parts, on_event=lambda event, flags: flags.stop.set() if isinstance(event, events.Step) else None)
    train(parts)
    one, other = weights(whole.last), weights(parts.last)
    assert all(torch.allclose(one[name], other[name], atol=1e-6) for name in one if name[:6] == "weight")


@dataclass(frozen=True)
class _Then(ReticleOptions):
    width: int = option(1, label="Width")


@dataclass(frozen=True)
class _Now(ReticleOptions):
    width: int = option(2, label="Width")


def test_a_resumed_run_keeps_the_options_it_began_with_when_the_defaults_have_changed(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = find_detector("reticle-n")
    monkeypatch.setitem(detectors(), "reticle-n", replace(spec, options=_Then))  # type: ignore[arg-type]
    run = make_run(epochs=2)

    def stop_early(event: Event, flags: StopFlags) -> None:
        if isinstance(event, events.Step):
            flags.stop.set()

    train(run, on_event=stop_early)
    monkeypatch.setitem(detectors(), "reticle-n", replace(spec, options=_Now))  # type: ignore[arg-type]
    train(run)
    assert read_checkpoint(run.last).options == {"widths": "", "width": 1}


def test_stop_leaves_a_checkpoint_and_does_not_validate(make_run: MakeRun) -> None:
    run = make_run(epochs=50)

    def stop(event: Event, flags: StopFlags) -> None:
        if isinstance(event, events.Step):
            flags.stop.set()

    result, heard = train(run, on_event=stop)
    assert result.reason is EndReason.STOPPED
    assert read_checkpoint(run.last).state.step == result.state.step
    assert not of_kind(heard, events.Validation)


def test_finish_validates_and_keeps_the_best(make_run: MakeRun) -> None:
    run = make_run(epochs=50)

    def finish(event: Event, flags: StopFlags) -> None:
        if isinstance(event, events.Step):
            flags.finish.set()

    result, heard = train(run, on_event=finish)
    assert result.reason is EndReason.FINISHED_EARLY
    assert of_kind(heard, events.Validation)[-1].best
    assert read_checkpoint(run.best).state.step == result.state.step


def test_a_stop_while_validating_leaves_the_best_weights_as_they_were(make_run: MakeRun) -> None:
    run = make_run(epochs=1, images=8, val=4)
    train(run)
    before, best = run.best.read_bytes(), read_checkpoint(run.best).state
    change_settings(run, epochs=50, validate_every_seconds=1e-6)

    def stop(event: Event, flags: StopFlags) -> None:
        if isinstance(event, events.Step):
            flags.stop.set()

    result, heard = train(run, on_event=stop)
    assert result.reason is EndReason.STOPPED
    assert result.state.step > best.step
    assert run.best.read_bytes() == before
    assert not of_kind(heard, events.Validation)
    assert (result.state.best_ap, result.state.best_step) == (best.best_ap, best.best_step)


def test_a_detector_that_cannot_smooth_labels_says_so(make_run: MakeRun) -> None:
    run = make_run(model="ssdlite320", label_smoothing=0.1)
    with pytest.raises(ConfigError, match="ssdlite320 cannot smooth labels"):
        train(run)


def test_a_run_without_moving_average_keeps_its_weights_and_goes_on(make_run: MakeRun) -> None:
    run = make_run(epochs=1, ema=False)
    train(run)
    checkpoint = read_checkpoint(run.best)
    assert not checkpoint.part("ema")
    kept, trained = checkpoint.kept(), checkpoint.part("weights")
    assert kept.keys() == trained.keys()
    assert all(torch.equal(kept[name], trained[name]) for name in kept)
    Predictor(checkpoint, torch.device("cpu"))
    change_settings(run, epochs=2)
    result, _ = train(run)
    assert result.reason is EndReason.COMPLETED
    assert result.state.step > checkpoint.state.step


def test_a_finished_run_goes_on_when_it_is_given_more_epochs(make_run: MakeRun) -> None:
    run = make_run(epochs=1)
    first, _ = train(run)
    change_settings(run, epochs=2)
    second, _ = train(run)
    assert second.reason is EndReason.COMPLETED
    assert second.state.step > first.state.step
    assert second.state.drawn >= 2 * 9


def test_a_damaged_last_checkpoint_falls_back_to_the_one_before(make_run: MakeRun) -> None:
    run = make_run(epochs=4, checkpoint_every_seconds=1e-6)
    train(run)
    step_before = read_checkpoint(run.previous).state.step
    run.last.write_bytes(run.last.read_bytes()[: run.last.stat().st_size // 2])
    change_settings(run, epochs=5)
    _, heard = train(run)
    assert of_kind(heard, events.Started)[0].step == step_before
    assert any("last.safetensors" in event.text for event in of_kind(heard, events.Log))


def test_with_all_checkpoints_damaged_the_run_starts_again(make_run: MakeRun) -> None:
    run = make_run(epochs=1)
    train(run)
    for path in (run.last, run.best):
        path.write_bytes(b"")
    _, heard = train(run)
    assert of_kind(heard, events.Started)[0].step == 0


def test_without_validation_images_a_tenth_is_held_out_and_that_is_said(make_run: MakeRun) -> None:
    run = make_run(images=10, val=0, epochs=1)
    _, heard = train(run)
    texts = [event.text for event in of_kind(heard, events.Log)]
    assert any("validation split is empty: 1 of 10" in text for text in texts)


def test_a_single_image_is_enough(make_run: MakeRun) -> None:
    result, _ = train(make_run(images=1, val=0, epochs=2))
    assert result.reason is EndReason.COMPLETED


def test_a_broken_image_is_left_out_and_named_once(make_run: MakeRun) -> None:
    run = make_run(epochs=2)
    broken = Path(Snapshot.load(run.snapshot).images[-2].path)
    broken.write_bytes(b"no image")
    result, heard = train(run)
    assert result.reason is EndReason.COMPLETED
    texts = [event.text for event in of_kind(heard, events.Log) if broken.name in event.text]
    assert len(texts) == 1


def test_when_no_image_can_be_read_the_run_fails_with_a_name(make_run: MakeRun) -> None:
    run = make_run()
    for image in Snapshot.load(run.snapshot).images:
        Path(image.path).unlink()
    with pytest.raises(ImageError, match="image0"):
        train(run)


def test_a_project_without_boxes_is_refused_with_advice(make_run: MakeRun) -> None:
    with pytest.raises(ConfigError, match="no labelled training images"):
        train(make_run(labelled=False))


def test_a_loss_that_is_no_number_names_the_files_of_the_batch(make_run: MakeRun) -> None:
    run = make_run(learning_rate=1e30, warmup_steps=0, epochs=20, max_gradient_norm=1e30)
    with pytest.raises(TrainingError, match=r"image\d+\.png") as caught:
        train(run)
    assert caught.value.failure is FailureKind.NON_FINITE_LOSS


def test_after_memory_ran_out_half_the_batch_is_used_twice(make_run: MakeRun) -> None:
    run = make_run(batch_size=4, epochs=1)
    _, heard = train(run, attempt=2)
    assert of_kind(heard, events.Started)[0].batch_size == 4
    assert read_checkpoint(run.last).state.attempt == 2


def test_a_checkpoint_of_other_classes_is_refused(make_run: MakeRun) -> None:
    run, other = make_run(name="001-a", classes=2, epochs=1), make_run(name="002-b", classes=1, epochs=1)
    train(run)
    other.last.write_bytes(run.last.read_bytes())
    with pytest.raises(ConfigError, match="other classes"):
        train(other)


def test_a_run_can_start_from_the_weights_of_another(make_run: MakeRun) -> None:
    first = make_run(name="001-a", classes=2, epochs=1)
    train(first)
    second = make_run(name="002-b", classes=3, epochs=1, weights=str(first.best))
    _, heard = train(second)
    texts = [event.text for event in of_kind(heard, events.Log)]
    assert any("classes that it knows: kind 0, kind 1; new classes: kind 2" in text for text in texts)


def test_classes_that_were_renamed_since_an_earlier_run_of_the_project_are_known(make_run: MakeRun) -> None:
    first = make_run(name="001-a", epochs=1)
    train(first)
    elsewhere = first.path.parent / "elsewhere.safetensors"
    elsewhere.write_bytes(first.best.read_bytes())
    for number, start, told in (
        (2, first.best, "classes that it knows: cell, kind 1."),
        (3, elsewhere, "classes that it knows: kind 1; new classes: cell."),
    ):
        run = make_run(name=f"00{number}-b", epochs=1, weights=str(start))
        snapshot = Snapshot.load(run.snapshot)
        renamed = replace(snapshot.classes[0], name="cell")
        replace(snapshot, classes=(renamed, *snapshot.classes[1:])).save(run.snapshot)
        _, heard = train(run)
        assert any(told in event.text for event in of_kind(heard, events.Log))


def test_time_given_in_minutes_is_kept(make_run: MakeRun) -> None:
    run = make_run(minutes=0.02)
    result, heard = train(run)
    assert result.reason is EndReason.COMPLETED
    assert result.state.seconds >= 1.2
    steps = of_kind(heard, events.Step)
    # it ends with the first step that is over the time
    assert all(step.fraction < 1.0 for step in steps[:-1])


def test_torchvisions_ssdlite_trains_through_the_same_run(make_run: MakeRun) -> None:
    run = make_run(name="001-ssdlite320", model="ssdlite320", epochs=1, image_size=128)
    result, heard = train(run)
    assert result.reason is EndReason.COMPLETED
    assert set(of_kind(heard, events.Step)[-1].losses) == {"class", "box"}


def test_ssdlite_learns_from_one_image_with_a_batch_of_one(make_run: MakeRun) -> None:
    run = make_run(
        name="001-ssdlite320", model="ssdlite320", images=1, val=0, epochs=2, image_size=96, batch_size=1
    )
    result, heard = train(run)
    assert result.reason is EndReason.COMPLETED
    assert of_kind(heard, events.Started)[0].batch_size == 2


def test_the_precision_is_measured_once_in_a_run(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[str] = []

    def seconds(_detector: object, compute: Compute, _size: int) -> float:
        measured.append(compute.precision)
        return 2.0 if (compute.precision == "bf16") == (len(measured) > 2) else 1.0

    monkeypatch.setattr("detcore.training.machine._step_seconds", seconds)
    run = make_run(epochs=1, precision="auto")
    train(run)
    assert measured == ["fp32", "bf16"]
    change_settings(run, epochs=2)
    _, heard = train(run)
    assert measured == ["fp32", "bf16"]
    chosen = read_checkpoint(run.last).state
    assert (chosen.device_type, chosen.precision) == ("cpu", "bf16")
    assert any("bf16" in event.text for event in of_kind(heard, events.Log))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_run_on_a_gpu_completes(make_run: MakeRun) -> None:
    result, heard = train(make_run(device="cuda", precision="auto", batch_size=None))
    assert result.reason is EndReason.COMPLETED
    assert of_kind(heard, events.Started)[0].device == "cuda:0"


def test_images_with_errors_are_drawn_more_often_and_stopping_changes_nothing(make_run: MakeRun) -> None:
    emphasis = Emphasis(
        run="000-before",
        threshold=0.5,
        iou_threshold=0.5,
        images={
            1: ImageErrors(false_positives=9, misses=9),  # judged by, so it is not drawn at all
            5: ImageErrors(false_positives=2, misses=0),
            6: ImageErrors(false_positives=0, misses=1),
        },
    )
    whole, parts = (
        make_run(name=name, images=11, val=4, epochs=2, batch_size=2, hard_negatives=1.0, oversample=1.0)
        for name in ("001-whole", "002-parts")
    )
    for run in (whole, parts):
        emphasis.save(run.emphasis)
    result, heard = train(whole)
    # seven images, of which two have seven times the average of errors and come four times: two passes of 13
    assert (result.state.step, result.state.drawn) == (13, 26)
    assert any("2 of 7 images drawn more often" in event.text for event in of_kind(heard, events.Log))

    def stop_early(event: Event, flags: StopFlags) -> None:
        if isinstance(event, events.Step):
            flags.stop.set()

    stopped, _ = train(parts, on_event=stop_early)
    assert stopped.state.drawn < 26
    train(parts)
    one, other = weights(whole.last), weights(parts.last)
    assert all(torch.allclose(one[name], other[name], atol=1e-6) for name in one if name[:6] == "weight")


def test_a_run_that_is_to_learn_from_errors_needs_their_list(make_run: MakeRun) -> None:
    with pytest.raises(ConfigError, match="missing"):
        train(make_run(oversample=0.5))
