"""A network of darknet as a run: it trains, goes on, predicts, and leaves as darknet's own files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torchvision.ops import batched_nms

from detcore.cli.main import main
from detcore.data.letterbox import fit_frame
from detcore.data.samples import Sample, split_samples
from detcore.deploy.export import export_model
from detcore.deploy.torch_file import record
from detcore.errors import ConfigError
from detcore.inference.predictor import Predictor
from detcore.jobs.events import EndReason, Event, Started, Step
from detcore.jobs.preparing.model_export import ModelExport, check_model_export
from detcore.jobs.worker_process import StopFlags
from detcore.project.runs import RunFolder
from detcore.project.snapshot import Snapshot
from detcore.training.distributed import Group
from detcore.training.session import Session, TrainingResult
from detcore.types import FloatArray
from detcore.zoo.checkpoint import Checkpoint, RunState, read_checkpoint, write_checkpoint
from detcore.zoo.darknet.cfg import parse_cfg
from detcore.zoo.darknet.plan import make_plan
from detcore.zoo.darknet.weights_file import Header, write_weights
from detcore.zoo.detectors.darknet import Darknet, squares
from detcore.zoo.spec import InputRule
from detcore.zoo.weights import load_weights
from tests.detcore.zoo.darknet.test_cfg import SMALL

MakeRun = Callable[..., RunFolder]
CFG = SMALL.replace("height=64\n", "height=64\nbatch=2\nlearning_rate=.001\nburn_in=4\n")
V1 = """\
[net]
width=64
height=64
[convolutional]
batch_normalize=1
filters=4
size=3
stride=16
pad=1
activation=leaky
[connected]
output=48
activation=linear
[detection]
classes=2
coords=4
side=2
num=2
sqrt=1
random=1
"""


def train(run: RunFolder, *, stop_at: int | None = None, heard: list[Event] | None = None) -> TrainingResult:
    flags = StopFlags()

    def emit(event: Event) -> None:
        if heard is not None:
            heard.append(event)
        if isinstance(event, Step) and event.step == stop_at:
            flags.stop.set()

    return Session(run, attempt=0, emit=emit, flags=flags, group=Group()).train()


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        # a convolution of 8 · 27 weights and 4 · 8 numbers of its norm, and one of 21 · 8 and 21
        (CFG, 216 + 32 + 168 + 21),
        # one of 4 · 27 and 4 · 4, and 48 answers to 64 features
        (V1, 108 + 16 + 48 * 64 + 48),
    ],
    ids=["v3", "v1"],
)
def test_a_run_of_ten_steps_trains_goes_on_and_predicts(make_run: MakeRun, text: str, numbers: int) -> None:
    run = make_run(
        images=6, val=2, epochs=5, batch_size=2, image_size=64, model="darknet", options={"cfg": text}
    )
    heard: list[Event] = []
    assert train(run, stop_at=1, heard=heard).state.step == 1
    assert [event.parameters for event in heard if isinstance(event, Started)] == [numbers]
    done = train(run)
    assert (done.reason, done.state.step) == (EndReason.COMPLETED, 10)
    checkpoint = read_checkpoint(run.last)
    assert int(checkpoint.part("weights")["seen"]) == 20
    samples = split_samples(Snapshot.load(run.snapshot), seed=0).val
    found = Predictor(checkpoint, torch.device("cpu")).predict(
        samples, problem=lambda error: pytest.fail(str(error))
    )
    assert found is not None
    assert set(found.labels.tolist()) <= {11, 12}


def test_a_network_of_one_size_takes_frames_of_any(tmp_path: Path) -> None:
    torch.manual_seed(0)
    detector = Darknet(V1, 2).eval()
    images = torch.rand(2, 3, 32, 96)
    square = torch.nn.functional.interpolate(images, (64, 64), mode="bilinear")
    with torch.no_grad():
        boxes, scores = detector.answers(images)
        wanted, same = detector.answers(square)
    torch.testing.assert_close(boxes, wanted * torch.tensor([1.5, 0.5, 1.5, 0.5]))
    torch.testing.assert_close(scores, same)


def test_the_first_yolo_leaves_as_a_graph_for_any_number_of_images() -> None:
    text = V1.replace("[connected]", "[local]\nfilters=4\nsize=3\npad=1\nactivation=leaky\n[connected]")
    net = squares(Darknet(text, 2).eval(), 64)
    images = torch.rand(3, 3, 64, 64)
    with torch.no_grad():
        for told, wanted in zip(record(net).module()(images), net.net(images), strict=True):
            torch.testing.assert_close(told, wanted)


def test_a_network_that_is_no_square_leaves_as_files_of_darknet_alone() -> None:
    with pytest.raises(ConfigError, match="96 × 64 pixels, and such files take squares"):
        squares(Darknet(SMALL.replace("width=64 ", "width=96 "), 2), 96)


@pytest.mark.parametrize(
    ("aspect", "size"), [(1.0, (64, 64)), (0.5, (64, 32)), (2.0, (32, 64))], ids=["square", "wide", "high"]
)
def test_a_stretched_frame_has_the_shape_of_the_network(aspect: float, size: tuple[int, int]) -> None:
    rule = InputRule(image_size=64, resize="stretch", aspect=aspect)
    fit = fit_frame(width=100, height=50, longer_side=64, rule=rule)
    assert (fit.new_width, fit.new_height) == size
    (box,) = fit.to_original(np.array([[0.0, 0.0, size[0] / 2, size[1]]]))
    assert box.tolist() == [0, 0, 50, 50]


@pytest.fixture
def untrained(make_run: MakeRun, tmp_path: Path) -> tuple[RunFolder, Path]:
    """A run that began with a file of weights and has learnt nothing yet, and the file."""
    run = make_run(images=4, val=1, image_size=64, model="darknet", options={"cfg": CFG})
    published = Darknet(CFG, 2)
    for parameter in published.parameters():
        torch.nn.init.normal_(parameter)
    file = tmp_path / "published.weights"
    write_weights(published.net, file, Header(version=(0, 2, 0), seen=640))
    detector = Darknet(CFG, 2)
    load_weights(detector, file)
    tensors = {f"weights.{name}": tensor for name, tensor in detector.state_dict().items()}
    checkpoint = Checkpoint(
        state=RunState(step=1),
        model="darknet",
        class_ids=(11, 12),
        image_size=64,
        config={},
        options={"cfg": CFG},
        tensors=tensors,
    )
    write_checkpoint(checkpoint, run.best)
    return run, file


def test_a_run_leaves_as_files_of_darknet(untrained: tuple[RunFolder, Path], tmp_path: Path) -> None:
    run, published = untrained
    wanted = ModelExport(format="darknet", nms=False, out=tmp_path / "out")
    made = export_model(run, Snapshot.load(run.snapshot), wanted, progress=lambda *_: True)
    assert made.files[:3] == ("model.weights", "model.cfg", "model.names")
    assert (made.difference.box, made.difference.score) == (0, 0)
    assert (tmp_path / "out" / "model.weights").read_bytes() == published.read_bytes()
    assert (tmp_path / "out" / "model.cfg").read_text() == CFG
    assert (tmp_path / "out" / "model.names").read_text() == "kind 0\nkind 1\n"
    card = json.loads((tmp_path / "out" / "model-card.json").read_text())
    assert card["input"]["resize"] == "stretch"


def test_other_detectors_are_no_files_of_darknet(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(images=4, val=1)
    with pytest.raises(ConfigError, match="made of darknet's layers"):
        check_model_export(run, ModelExport(format="darknet", nms=False, out=tmp_path / "out"))


def test_the_command_says_which_lines_it_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = tmp_path / "my.cfg", tmp_path / "mine.cfg"
    file.write_text(SMALL)
    assert main(["cfg-classes", str(file), "--classes", "3", "--out", str(out)]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["line 21: filters=21 → 24", "line 27: classes=2 → 3"]
    assert make_plan(parse_cfg(out.read_text())).classes == 3
    file.write_text(SMALL.replace("[yolo]", "[yolo"))
    assert main(["cfg-classes", str(file), "--classes", "3"]) != 0
    assert "my.cfg:24" in capsys.readouterr().err


@pytest.mark.data
@pytest.mark.parametrize("photo", ["dog", "person", "horses"])
@pytest.mark.parametrize("model", ["1.1_coco/yolo-fastest-1.1-xl", "1.1_coco/yolo-fastest-1.1"])
def test_a_prediction_of_published_weights_is_that_of_opencv(real_data: Path, model: str, photo: str) -> None:
    zoo = real_data / "yolo_fastest_weights"
    folder, name = zoo / "ModelZoo" / f"yolo-fastest-{Path(model).parts[0]}", Path(model).name
    wanted = json.loads((zoo / "expected_detections_opencv_dnn.json").read_text())
    text = (folder / f"{name}.cfg").read_text()
    detector = Darknet(text, 80)
    load_weights(detector, folder / f"{name}.weights")
    checkpoint = Checkpoint(
        state=RunState(),
        model="darknet",
        class_ids=tuple(range(80)),
        image_size=320,
        config={},
        options={"cfg": text},
        tensors={f"weights.{key}": tensor for key, tensor in detector.state_dict().items()},
    )
    none = np.zeros((0, 4), np.float32)
    path = real_data / "darknet_cfg" / "data" / f"{photo}.jpg"
    sample = Sample(image_id=1, path=str(path), boxes=none, labels=np.zeros(0, np.int64), ignore=none)
    heard: list[tuple[FloatArray, FloatArray]] = []
    predictor = Predictor(checkpoint, torch.device("cpu"))
    found = predictor.predict(
        [sample],
        problem=lambda error: pytest.fail(str(error)),
        hear=lambda _image, boxes, scores: heard.append((boxes, scores)),
    )
    assert found is not None
    # OpenCV keeps the best class of each place alone, from a score of .25 on.
    boxes, scores = (torch.from_numpy(np.asarray(part)) for part in heard[0])
    best, labels = scores.max(dim=1)
    likely = best > 0.25
    kept = batched_nms(boxes[likely].float(), best[likely].float(), labels[likely], 0.45)
    names = (folder / "coco.names").read_text().splitlines()
    rows = {
        (names[labels[likely][row]], round(float(best[likely][row]), 2), tuple(boxes[likely][row].tolist()))
        for row in kept
    }
    image = cv2.imread(str(path))
    assert image is not None
    height, width = image.shape[:2]
    expected = wanted[f"{folder.name}/{name} {photo}.jpg"]
    assert len(rows) == len(expected)
    for label, score, (left, top, across, down) in expected:
        corners = np.clip([left, top, left + across, top + down], 0, [width, height, width, height])
        assert any(
            own == label and abs(chance - score) <= 0.015 and np.abs(np.array(box) - corners).max() <= 1
            for own, chance, box in rows
        ), (label, score, rows)
    assert len(found)
