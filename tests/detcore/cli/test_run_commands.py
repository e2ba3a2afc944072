"""What diagnose and curves say of a run, against the lines of its events.jsonl."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from detcore.cli.main import main
from detcore.jobs import tensorboard_file
from detcore.jobs.events import (
    LAYER_FIGURES,
    ClassLosses,
    Data,
    Event,
    HardBatch,
    Layers,
    Started,
    Step,
    Validation,
    encode,
)
from detcore.project.project import Project
from detcore.project.runs import RunFolder, create_run
from detcore.project.snapshot import take_snapshot
from tests.detcore.cli.small_projects import small_project

DATA = Data(
    image_size=320,
    images=80,
    boxes={"coin": 200, "nut": 90},
    small_boxes=3,
    tenth_side=16.0,
    judged_images=16,
    judged_boxes=60,
)


def step(number: int) -> Step:
    return Step(
        step=number,
        epoch=number / 10,
        time=number / 2,
        fraction=number / 40,
        remaining=1.0,
        learning_rate=0.002 / number,
        losses={"class": 6.0 - number / 10, "box": 1 / 3},
        images_per_second=16.0,
        gradient=4.0,
        clipped=0.25,
        memory=3 * 2**30,
    )


def judged(number: int, ap: float) -> Validation:
    metrics = {"AP": ap, "AP50": ap + 0.1}
    return Validation(
        step=number,
        epoch=1.0,
        time=number / 2,
        metrics=metrics,
        per_class={"coin": 0.9, "nut": 0.4},
        best=True,
    )


LAYERS = Layers(step=20, names=["stem"], figures={name: [0.25] for name in LAYER_FIGURES})
TOLD: list[Event] = [
    DATA,
    *(step(number) for number in range(10, 21, 10)),
    judged(20, 0.2),
    LAYERS,
    *(step(number) for number in range(30, 41, 10)),
    judged(40, 0.65),
]


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    project = small_project(tmp_path)
    with Project.open(project) as opened:
        made = create_run(opened, "reticle-n")
        take_snapshot(opened).save(made.snapshot)
    return made


def tell(run: RunFolder, *told: Event) -> str:
    """The events are those of the run; the path of its project."""
    run.events.write_text("".join(f"{encode(event)}\n" for event in told), encoding="utf-8")
    return str(run.path.parents[1])


def test_diagnose_says_what_is_wrong_and_what_to_do_and_writes_it(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = replace(DATA, boxes={"coin": 200, "nut": 7}, judged_images=3)
    project = tell(run, few, *TOLD[1:])
    assert main(["diagnose", project, "--run", "001", "--json", str(tmp_path / "found.json")]) == 0
    said = capsys.readouterr().out
    text, advice = (
        "There are only 7 boxes of nut to learn from.",
        "Label more: some dozen of each class are a beginning.",
    )
    assert f"{text} {advice}\n" in said
    assert "nothing is wrong" not in said
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert found == [
        {"text": text, "advice": advice},
        {
            "text": "Validation has 3 images with 60 boxes: too little to tell one AP from another.",
            "advice": "Label more images of the val split.",
        },
    ]


def test_diagnose_tells_of_pace_classes_hardest_batches_and_layers(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    hard = [
        HardBatch(step=at, loss=usual * at, usual=usual, images=[1, 999])
        for at, usual in ((11, 2.0), (3, 5.0))
    ]
    project = tell(run, *TOLD, *hard, ClassLosses(step=40, losses={"coin": 0.5, "nut": 1.25}))
    assert main(["diagnose", project, "--run", "001"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "001-reticle-n: nothing is wrong that could be measured."
    assert (
        "40 steps: 16.0 images a second, 3.0 GiB of memory, gradients of length 4, 25% of them cut" in lines
    )
    at = lines.index("AP that each class costs, of 1 in all:")
    # of two classes 0.1 and 0.6 are lacking
    assert [line.split() for line in lines[at + 2 : at + 4]] == [
        ["nut", "0.400", "0.300"],
        ["coin", "0.900", "0.050"],
    ]
    at = lines.index("Loss of each class, of 1.75 in all at step 40:")
    assert [line.split() for line in lines[at + 2 : at + 4]] == [["nut", "1.25"], ["coin", "0.5"]]
    # eleven times what is usual comes before three times
    at = lines.index("step 11: loss 22, usually 2, by")
    assert lines[at + 1].endswith("image000.png")
    assert lines[at + 2] == "  image 999"
    assert lines.index("step 3: loss 15, usually 5, by") > at
    assert not any("Layers at step" in line for line in lines)
    assert main(["diagnose", project, "--run", "001", "--layers"]) == 0
    lines = capsys.readouterr().out.splitlines()
    at = lines.index("Layers at step 20:")
    assert lines[at + 1].split() == ["layer", *LAYER_FIGURES]
    assert lines[-1].split() == ["stem", *["0.25"] * 6]


def test_the_table_of_curves_has_the_figures_of_the_events(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "curves.csv"
    assert main(["curves", tell(run, *TOLD), "--run", "001", "--csv", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}\n"
    with file.open(encoding="utf-8", newline="") as stream:
        rows = {int(row["step"]): row for row in csv.DictReader(stream)}
    told = [json.loads(line) for line in run.events.read_text(encoding="utf-8").splitlines()]
    steps = [event for event in told if event["event"] == "step"]
    validations = [event for event in told if event["event"] == "validation"]
    assert sorted(rows) == [event["step"] for event in steps] == [10, 20, 30, 40]
    for event in steps:
        row = rows[event["step"]]
        figures = [event["time"], event["learning_rate"], event["losses"]["class"], event["losses"]["box"]]
        found = [float(row[name]) for name in ("seconds", "learning_rate", "loss class", "loss box")]
        assert found == pytest.approx(figures, rel=1e-5)
    for event in validations:
        row = rows[event["step"]]
        figures = [*event["metrics"].values(), *event["per_class"].values()]
        assert [float(row[name]) for name in ("AP", "AP50", "AP of coin", "AP of nut")] == pytest.approx(
            figures
        )
    assert [rows[at]["AP"] for at in (10, 30)] == ["", ""]


def test_the_picture_of_curves_falls_with_the_loss_and_rises_with_ap(run: RunFolder, tmp_path: Path) -> None:
    """The loss of the classes falls from 5 to 2, where the scale goes to 5; AP rises from 0.2 to 0.65, where it goes to
    1. Lines of the first name are blue (Okabe and Ito's #0072b2)."""
    file = tmp_path / "curves.png"
    assert main(["curves", tell(run, *TOLD), "--run", "001", "--png", str(file)]) == 0
    with Image.open(file) as picture:
        pixels = np.array(picture.convert("RGB")).astype(int)
    is_blue = np.abs(pixels - (0, 0x72, 0xB2)).max(axis=2) < 40
    # rows with a line from side to side, from the highest value to 0 in each plot
    lines = np.flatnonzero((pixels < 250).any(axis=2)[:, 100:400].mean(axis=1) > 0.5)
    half = len(pixels) // 2
    for rows, most, ends in ((lines[lines < half], 5.0, (5.0, 2.0)), (lines[lines > half], 1.0, (0.2, 0.65))):
        top, bottom = rows.min(), rows.max()
        ys, xs = np.nonzero(is_blue[top - 3 : bottom + 4, :-166])
        for x, value in zip((xs.min() + 1, xs.max() - 1), ends, strict=True):
            shown = (bottom - top + 3 - ys[xs == x].mean()) / (bottom - top) * most
            assert shown == pytest.approx(value, abs=0.03 * most)


def test_curves_without_a_file_to_write_to_say_which_there_are(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["curves", tell(run, *TOLD), "--run", "001"]) == 1
    assert "Give --png FILE, --csv FILE or --tensorboard DIR" in capsys.readouterr().err


def test_a_run_that_was_trained_without_tensorboard_gets_a_file_for_it(
    run: RunFolder, tmp_path: Path
) -> None:
    board = tmp_path / "boards" / "001"
    assert main(["curves", tell(run, *TOLD), "--run", "001", "--tensorboard", str(board)]) == 0
    reader = EventAccumulator(str(board))
    reader.Reload()
    assert [(point.step, round(point.value, 4)) for point in reader.Scalars("loss/class")] == [
        (10, 5.0),
        (20, 4.0),
        (30, 3.0),
        (40, 2.0),
    ]
    assert [point.step for point in reader.Scalars("validation/AP")] == [20, 40]


def test_tensorboard_gets_what_lasts_of_a_run_at_its_time_and_once(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A step takes half a second. An hour after its start the run goes on from step 20: step 30 is ten steps later."""
    first, again = (
        Started(time=time, step=at, device="cpu", device_name="CPU")
        for time, at in ((1000.0, 0), (4600.0, 20))
    )
    project = tell(run, first, step(10), step(20), step(30), again, step(30))
    command = ["curves", project, "--run", "001", "--tensorboard", str(tmp_path / "board")]
    assert main(command) == 0
    reader = EventAccumulator(str(tmp_path / "board"))
    reader.Reload()
    points = [(point.step, point.wall_time) for point in reader.Scalars("loss/class")]
    assert points == [(10, 1005.0), (20, 1010.0), (30, 4605.0)]
    assert main(command) == 1
    assert "a file for TensorBoard already. Delete it or name another folder" in capsys.readouterr().err
    assert len(list((tmp_path / "board").iterdir())) == 1


def test_without_what_tensorboard_needs_the_command_says_how_to_get_it(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tensorboard_file, "find_spec", lambda _name: None)
    assert main(["curves", tell(run, *TOLD), "--run", "001", "--tensorboard", str(tmp_path / "board")]) == 1
    assert capsys.readouterr().err == (
        "error: a file for TensorBoard needs tensorboardX, not installed here. "
        "Install it with: pip install 'reticle[tensorboard]'.\n"
    )
    assert not (tmp_path / "board").exists()
