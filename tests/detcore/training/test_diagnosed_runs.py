"""What is said of trainings that truly have what is said, and of those that do not."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from threading import Event as Flag
from types import SimpleNamespace

import pytest
from torch import Tensor, nn

from detcore.data.samples import split_samples
from detcore.jobs.diagnosis import Diagnosis
from detcore.jobs.events import Event, Failed
from detcore.jobs.owner import ExitCode
from detcore.project.runs import read_events
from detcore.project.snapshot import Snapshot
from detcore.report.learning_curves import write_curves
from detcore.training.data_figures import data_figures
from detcore.training.failures import TrainingError
from detcore.training.hooks import MetricsHook
from detcore.training.layers import LayersHook
from detcore.training.pace import TimeLeft
from detcore.types import ObjectClass
from detcore.zoo.base import Detector, Look, Target
from tests.detcore.conftest import MakeRun
from tests.detcore.training.small import descend, white_images
from tests.detcore.working import work_here


class Parabola(Detector):
    """Three weights and a bias, whose sum is to be 2: the loss is (sum - 2)² + 1.

    Descent multiplies the distance to 2 by 1 - 8 · rate, so it diverges from a rate of a quarter on. The gradient is
    four times the distance long.
    """

    def __init__(self) -> None:
        super().__init__()
        self.num_classes = 1
        self.layer = nn.Linear(3, 1)
        nn.init.constant_(self.layer.weight, 0.1)
        nn.init.zeros_(self.layer.bias)

    def losses(self, images: Tensor, targets: list[Target]) -> dict[str, Tensor]:
        return {"class": (self.layer(images.amax(dim=(2, 3))).sum() - 2.0).square() + 1.0}

    def look(self, images: Tensor) -> list[Look]:
        raise NotImplementedError


@pytest.fixture
def each_step_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detcore.training.hooks._MOST_OFTEN", 0.0)


def said_of_descent(*, rate: float, steps: int = 300, longest: float = 1e9) -> str:
    heard: list[Event] = []
    hooks = [MetricsHook(heard.append, TimeLeft([])), LayersHook(heard.append, Flag())]
    try:
        descend(
            Parabola(),
            SimpleNamespace(batches=white_images),
            hooks=hooks,
            steps=steps,
            rate=rate,
            longest=longest,
        )
    except TrainingError as error:
        heard.append(Failed(failure=error.failure, message=error.message))
    return "\n".join(map(str, Diagnosis(heard).findings()))


@pytest.mark.usefixtures("each_step_is_told")
@pytest.mark.parametrize(
    ("rate", "longest", "words"),
    [
        (0.001, 1e9, ""),
        (0.251, 1e9, "The loss rises"),  # 1 - 8 · 0.251 is -1.008
        (5.0, 1.0, "100% of the gradients were too long and cut"),  # goes past the goal and back again
        (1e-7, 1e9, "is probably too low"),
        (1e-10, 1e9, "a step changes no weight"),  # 0.1 + 3e-10 is 0.1 in 32 bit
        (1e9, 1e30, "The loss was no longer a number"),
    ],
)
def test_a_rate_is_called_what_it_is(rate: float, longest: float, words: str) -> None:
    said = said_of_descent(rate=rate, longest=longest)
    assert words in said
    assert bool(said) is bool(words)


def said_of_data(snapshot: Snapshot, *, image_size: int = 96) -> str:
    data = data_figures(split_samples(snapshot, seed=0), snapshot, image_size=image_size)
    return "\n".join(map(str, Diagnosis([data]).findings()))


def test_what_is_wrong_with_images_and_labels_is_said_and_nothing_of_those_that_are_right(
    make_run: MakeRun,
) -> None:
    """Boxes are at least 10 pixels high in images of 96 × 64; one image in four has none, the others have two on
    average."""
    good = Snapshot.load(make_run(images=120, val=30).snapshot)
    assert said_of_data(good) == ""
    assert "are smaller than 8 pixels at 64 pixels" in said_of_data(
        good, image_size=64
    )  # 10 · 64 / 96 is 6.7
    more = replace(good, classes=(*good.classes, ObjectClass(id=99, name="leaf", color="#00ff00")))
    assert said_of_data(more).startswith("There is no box of leaf to learn from.")
    large = replace(good.images[-1], width=960, height=640)
    huge = replace(good, images=(*good.images[:-1], large))
    assert said_of_data(huge).startswith("One image is 960 pixels long, the others usually 96")
    few = Snapshot.load(make_run(name="002-few", images=10, val=2).snapshot)
    said = said_of_data(few)
    assert "to learn from. Label more: some dozen of each class are a beginning." in said
    assert "Validation has 2 images with" in said


def test_a_run_of_some_steps_is_told_that_they_are_few_and_its_table_has_what_its_events_say(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run(images=12, val=3, epochs=4, predict_after=False)
    Path(Snapshot.load(run.snapshot).images[7].path).write_bytes(b"no image")
    code, _ = work_here("train", str(run.path))
    assert code is ExitCode.DONE
    said = "\n".join(map(str, Diagnosis(read_events(run.events)).findings()))
    lines = [json.loads(line) for line in run.events.read_text(encoding="utf-8").splitlines()]
    told = [line for line in lines if line["event"] in ("step", "validation")]
    made = max(line["step"] for line in told)
    assert 5 < made < 12
    assert f"Nothing is found yet: it has made {made} steps" in said
    assert "1 image was left out, since it cannot be read or has changed." in said
    assert "The loss" not in said
    write_curves(run, tmp_path / "curves.csv")
    with (tmp_path / "curves.csv").open(encoding="utf-8", newline="") as file:
        rows = {int(row["step"]): row for row in csv.DictReader(file)}
    assert set(rows) == {line["step"] for line in told}
    for line in told:
        row = rows[line["step"]]
        if line["event"] == "step":
            figures = {f"loss {name}": value for name, value in line["losses"].items()}
            figures["learning_rate"] = line["learning_rate"]
        else:
            figures = line["metrics"]
        for name, value in figures.items():
            assert (float(row[name]) if row.get(name) else None) == (
                None if value is None else pytest.approx(value, rel=1e-5)
            )
