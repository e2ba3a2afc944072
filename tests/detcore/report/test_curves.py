"""The curves of a run as CSV and PNG, and as TensorBoard's own reader sees them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from detcore.jobs import tensorboard_file
from detcore.jobs.events import LAYER_FIGURES, ClassLosses, Event, Layers, Log, Started, Step, Validation
from detcore.jobs.tensorboard_file import with_tensorboard
from detcore.report.learning_curves import learning_curves, write_curves_csv, write_curves_png


def step(number: int, loss: float) -> Step:
    return Step(
        step=number,
        epoch=number / 10,
        time=number / 2,
        fraction=number / 100,
        remaining=1.0,
        learning_rate=0.002,
        losses={"class": loss, "box": 2 * loss},
        images_per_second=16.0,
    )


def judged(number: int, ap: float) -> Validation:
    return Validation(
        step=number,
        epoch=number / 10,
        time=number / 2,
        metrics={"AP": ap, "APs": float("nan")},
        per_class={"coin": ap},
        best=True,
    )


def started(at: int) -> Started:
    return Started(time=0.0, step=at, device="cpu", device_name="CPU")


TOLD: list[Event] = [
    started(0),
    step(10, 2.0),
    step(20, 1.5),
    judged(20, 0.25),
    step(30, 9.0),
    started(20),
    step(30, 1.25),
    judged(30, 0.5),
]


def test_the_table_has_a_row_a_step_and_forgets_what_a_resumed_run_had_lost(tmp_path: Path) -> None:
    write_curves_csv(learning_curves(TOLD), tmp_path / "curves.csv")
    with (tmp_path / "curves.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["10", "20", "30"]
    assert [row["loss box"] for row in rows] == ["4", "3", "2.5"]
    assert [row["AP"] for row in rows] == ["", "0.25", "0.5"]
    assert rows[1]["AP of coin"] == "0.25"
    assert "APs" not in rows[0]


def test_the_picture_has_lines_in_both_plots(tmp_path: Path) -> None:
    write_curves_png(learning_curves(TOLD), tmp_path / "curves.png", title="001-reticle-s")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.format == "PNG"
        half = picture.height // 2
        blue = (0, 114, 178)
        for top, bottom in ((0, half), (half, picture.height)):
            part = picture.crop((100, top, picture.width - 180, bottom))
            assert blue in {colour for _, colour in part.getcolors(1_000_000)}


def test_a_run_without_figures_has_an_empty_picture_and_table(tmp_path: Path) -> None:
    curves = learning_curves([started(0)])
    write_curves_png(curves, tmp_path / "curves.png", title="001")
    write_curves_csv(curves, tmp_path / "curves.csv")
    assert (tmp_path / "curves.csv").read_text(encoding="utf-8").splitlines() == [
        "step,seconds,learning_rate"
    ]


def test_tensorboard_reads_what_the_run_has_told(tmp_path: Path) -> None:
    heard: list[Event] = []
    layers = Layers(step=20, names=["a"], figures={name: [0.5] for name in LAYER_FIGURES})
    of_classes = ClassLosses(step=20, losses={"coin": 0.75})
    with with_tensorboard(tmp_path, heard.append) as say:
        for event in (step(10, 2.0), step(20, 1.5), judged(20, 0.25), layers, of_classes):
            say(event)
    assert len(heard) == 5
    reader = EventAccumulator(str(tmp_path))
    reader.Reload()
    losses = reader.Scalars("loss/box")
    assert [(point.step, point.value) for point in losses] == [(10, 4.0), (20, 3.0)]
    assert reader.Scalars("validation/AP")[0].value == 0.25
    assert reader.Scalars("AP by class/coin")[0].step == 20
    assert reader.Scalars("layers update/a")[0].value == 0.5
    assert reader.Scalars("loss by class/coin")[0].value == 0.75


def test_a_file_that_cannot_be_written_is_told_once_and_the_run_goes_on(tmp_path: Path) -> None:
    heard: list[Event] = []
    with with_tensorboard(tmp_path / "nowhere", heard.append) as say:
        say(step(10, 2.0))
        say(step(20, 2.0))
    assert [type(event) for event in heard] == [Log, Step, Step]
    assert heard[0].level == "warning"


def test_without_the_library_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorboard_file, "find_spec", lambda _name: None)
    heard: list[Event] = []
    with with_tensorboard(tmp_path, heard.append) as say:
        say(step(10, 2.0))
    assert len(heard) == 1
    assert not list(tmp_path.iterdir())
