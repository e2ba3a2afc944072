"""Trained detectors leave the program as files that give what torch gives."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import pytest
import torch
from torchvision.ops import batched_nms

from detcore.cli import main
from detcore.deploy import export as exporting
from detcore.deploy.card import card_text, make_card
from detcore.deploy.export import export_model
from detcore.errors import Cancelled, ConfigError, FormatError, ReticleError
from detcore.inference.predictor import best_checkpoint
from detcore.jobs.config import TrainConfig
from detcore.jobs.events import Ended, Failed
from detcore.jobs.owner import ExitCode
from detcore.jobs.preparing import model_export
from detcore.jobs.preparing.model_export import MODEL_FORMATS, ModelExport, check_model_export
from detcore.project.runs import RunFolder, save_detections
from detcore.project.snapshot import Snapshot
from detcore.types import Detections
from detcore.zoo.building import build_dense
from detcore.zoo.catalogue import find_detector
from detcore.zoo.detectors.reticle import Reticle
from tests.detcore.conftest import MakeRun
from tests.detcore.deploy.conftest import SIDE, give_weights
from tests.detcore.working import work_here

ROOT = Path(__file__).resolve().parents[3]
OLD = ROOT / "tests" / "cases" / "version_0_1"


def detector_of(run: RunFolder) -> Reticle:
    checkpoint = best_checkpoint(run)
    detector = Reticle(2)
    detector.narrow(checkpoint.options.get("widths", ""))
    detector.load_state_dict(checkpoint.kept())
    return detector.eval()


def squares(run: RunFolder) -> np.ndarray:
    """The run's images of 96×64 as the card says: shrunk to 64×43 in the top left corner of a grey square."""
    frames = []
    for image in Snapshot.load(run.snapshot).images:
        small = cv2.resize(cv2.imread(image.path), (64, 43), interpolation=cv2.INTER_AREA)[:, :, ::-1]
        frame = np.full((SIDE, SIDE, 3), 114, np.uint8)
        frame[:43] = small
        frames.append(frame.transpose(2, 0, 1))
    return np.float32(frames) / 255


def export(run: RunFolder, out: Path, format_name: str = "torch", *words: str) -> dict[str, object]:
    """What the worker said of it at its end."""
    arguments = ["--snapshot", str(run.snapshot), "--format", format_name, "--out", str(out), *words]
    code, events = work_here("export", str(run.path), *arguments)
    assert code is ExitCode.DONE, events[-1]
    assert isinstance(events[-1], Ended)
    return events[-1].result


def test_an_onnx_file_gives_the_answers_of_torch_for_any_number_of_images(
    run: RunFolder, tmp_path: Path
) -> None:
    told = export(run, tmp_path / "out", "onnx")
    assert told["files"] == ["model.onnx", "model-card.json", "model-card.md"]
    assert told["images"] == 8
    session = onnxruntime.InferenceSession(tmp_path / "out" / "model.onnx")
    frames, detector = squares(run), detector_of(run)
    assert session.get_inputs()[0].shape == ["batch", 3, SIDE, SIDE]
    for some in (frames[:1], frames[:2], frames):
        boxes, scores = session.run(None, {"images": some})
        with torch.no_grad():
            raw = detector.predict(torch.from_numpy(some))
        assert boxes.shape == (len(some), 8 * 8 + 4 * 4 + 2 * 2, 4)
        assert np.abs(boxes - raw.boxes.numpy()).max() < 0.01
        assert np.abs(scores - raw.logits.sigmoid().numpy()).max() < 1e-4


def runner() -> str:
    """The Python of the page."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "deploy.md").read_text("utf-8"), re.DOTALL)
    return code


def test_the_runner_of_the_page_finds_what_torch_finds(run: RunFolder, tmp_path: Path) -> None:
    """In what is left of a pruned detector, which leaves as a whole one does."""
    give_weights(run, keep=0.6)
    export(run, tmp_path / "out", "onnx", "--nms")
    code = runner()
    assert 25 <= len([line for line in code.splitlines() if line.strip()]) <= 35
    assert not {"torch", "detcore"} & set(re.findall(r"\w+", code))
    page: dict[str, Any] = {"__name__": "detect"}
    exec(compile(code, "docs/deploy.md", "exec"), page)
    frames, detector = squares(run), detector_of(run)
    found = 0
    for row, image in enumerate(Snapshot.load(run.snapshot).images):
        given = list(page["detect"](tmp_path / "out", image.path))
        with torch.no_grad():
            raw = detector.predict(torch.from_numpy(frames[row : row + 1]))
        boxes, scores = raw.boxes[0].clamp(0, SIDE), raw.logits[0].sigmoid()
        places, labels = torch.nonzero(scores >= 0.5, as_tuple=True)
        kept = batched_nms(boxes[places], scores[places, labels], labels, 0.6)
        wanted = boxes[places[kept]] * torch.tensor([96 / 64, 64 / 43] * 2)
        wanted = wanted.minimum(torch.tensor([96, 64] * 2))
        assert [name for name, _, _ in given] == [f"kind {label}" for label in labels[kept].tolist()]
        assert np.allclose([score for _, score, _ in given], scores[places, labels][kept], atol=1e-4)
        assert np.allclose([box for _, _, box in given], wanted, atol=0.03)
        found += len(given)
    assert found >= 20


def test_a_program_of_torch_is_written_with_a_card_of_thresholds_and_figures(
    run: RunFolder, tmp_path: Path
) -> None:
    gt = Snapshot.load(run.snapshot).only([1, 2, 3]).ground_truth
    # each object of val exactly at 0.8; at 0.6 as often something where nothing is
    nowhere = np.tile([[0.0, 0.0, 2.0, 2.0]], (len(gt), 1))
    detections = Detections(
        image_ids=np.tile(gt.image_ids, 2),
        labels=np.tile(gt.labels, 2),
        boxes=np.concatenate([gt.boxes, nowhere]),
        scores=np.repeat([0.8, 0.6], len(gt)),
    )
    save_detections(run, detections, image_ids=range(1, 11))
    export(run, tmp_path / "out")
    program = torch.export.load(tmp_path / "out" / "model.pt2").module()
    frames = torch.from_numpy(squares(run))
    with torch.no_grad():
        boxes, _ = program(frames)
        assert torch.allclose(boxes, detector_of(run).predict(frames).boxes, atol=0.01)
    card = json.loads((tmp_path / "out" / "model-card.json").read_text("utf-8"))
    assert {item["name"]: item["threshold"] for item in card["classes"]} == {"kind 0": 0.8, "kind 1": 0.8}
    assert card["figures"] == {"split": "val", "images": 3, "AP": 1.0, "AP50": 1.0, "AP75": 1.0}
    assert {name: of["images"] for name, of in card["data"].items()} == {"train": 7, "val": 3}
    assert card["data"]["val"]["boxes"] == len(gt)
    assert card["input"]["normalised_inside"]["mean"] == [0.45, 0.45, 0.45]
    assert card["licence"] == {"detector": "Apache-2.0", "started_from": "", "published_weights": ""}
    text = (tmp_path / "out" / "model-card.md").read_text("utf-8")
    assert "| 0 | kind 0 | 0.800 | 1.000 | 1.000 |" in text
    assert "F1 over all classes is highest at a score of 0.800." in text
    assert "F1 over all" not in card_text({**card, "threshold": None})  # nothing right was found


def test_the_card_says_what_a_detector_starts_from_by_itself_and_how_its_figures_are_made(
    run: RunFolder,
) -> None:
    config = TrainConfig.load(run.config)
    config = replace(
        config, detector="reticle-s-pretrained", runtime=replace(config.runtime, look_twice=True)
    )
    run.config.write_text(config.to_json(), "utf-8")
    checkpoint, spec = best_checkpoint(run), find_detector("reticle-s-pretrained")
    dense = build_dense("reticle-s", detector_of(run), image_size=SIDE)
    kind, check = MODEL_FORMATS["torch"], {"images": 1, "box_px": 0.0, "score": 0.0}
    card = make_card(run, checkpoint, dense, spec, kind, names=["a", "b"], nms=False, check=check)
    assert card["licence"]["started_from"] == "lite0-imagenet"
    assert card["licence"]["published_weights"] == "Apache-2.0"
    assert "The run reached AP 0.500 while it was trained. It has no detections" in card_text(card)
    figures = {"split": "val", "images": 3, "AP": 0.4, "AP50": 0.6, "AP75": 0.4}
    assert "together with its mirror image; the file looks once" in card_text({**card, "figures": figures})
    assert "mirror image" not in card_text({**card, "figures": figures, "looks": 1})


def test_a_file_that_gives_something_else_is_not_left_behind(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = exporting.run_torch

    def shifted(path: Path):
        answers = right(path)
        return lambda images: (answers(images)[0] + np.float32(0.02), answers(images)[1])

    monkeypatch.setattr(exporting, "run_torch", shifted)
    folder = tmp_path / "exports"
    folder.mkdir()
    words = ["--snapshot", str(run.snapshot), "--format", "torch", "--out", str(folder / "out")]
    code, events = work_here("export", str(run.path), *words)
    assert code is ExitCode.BAD_INPUT
    assert isinstance(events[-1], Failed)
    assert "boxes differ by at most 0.02 px" in events[-1].message
    assert list(folder.iterdir()) == []


def test_an_export_that_is_stopped_leaves_nothing(run: RunFolder, tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    wanted = ModelExport(format="torch", nms=False, out=folder / "out")
    snapshot = Snapshot.load(run.snapshot)
    with pytest.raises(Cancelled):
        export_model(run, snapshot, wanted, progress=lambda _done, _total, text: text != "Writing the file")
    assert list(folder.iterdir()) == []


def test_a_folder_with_something_else_is_left_alone(run: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine", encoding="utf-8")
    wanted = ModelExport(format="torch", nms=False, out=tmp_path / "out")
    with pytest.raises(FormatError, match="not empty"):
        export_model(run, Snapshot.load(run.snapshot), wanted, progress=lambda *_: True)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["notes.txt"]


def test_without_images_to_check_on_nothing_is_written(run: RunFolder, tmp_path: Path) -> None:
    snapshot = Snapshot.load(run.snapshot)
    for image in snapshot.images:
        Path(image.path).unlink()
    wanted = ModelExport(format="torch", nms=False, out=tmp_path / "out")
    with pytest.raises(ConfigError, match="none of the project's images can be read"):
        export_model(run, snapshot, wanted, progress=lambda *_: True)
    assert not (tmp_path / "out").exists()


def test_a_detector_that_cannot_be_exported_says_which_can(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(name="001-faster-rcnn", model="faster-rcnn")
    with pytest.raises(
        ReticleError,
        match=r"Faster R-CNN .* These can: reticle-s, reticle-s-pretrained, reticle-n, reticle-m, ssdlite320",
    ):
        check_model_export(run, ModelExport(format="onnx", nms=False, out=tmp_path / "out"))


def test_nms_is_refused_where_it_cannot_be_inside(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="It can in ONNX and OpenVINO"):
        check_model_export(run, ModelExport(format="torch", nms=True, out=tmp_path / "out"))


def test_what_is_not_installed_is_named_with_the_line_that_gets_it(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = model_export.find_spec
    monkeypatch.setattr(model_export, "find_spec", lambda name: None if name == "openvino" else find(name))
    with pytest.raises(ConfigError) as caught:
        check_model_export(run, ModelExport(format="openvino", nms=False, out=tmp_path / "out"))
    assert str(caught.value) == (
        "OpenVINO needs openvino, not installed here. Install it with: pip install 'reticle[openvino]'."
    )


def test_the_command_writes_beside_the_project_and_says_how_far_from_torch_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(OLD, tmp_path / "case")
    project = tmp_path / "case" / "old.reticle"
    give_weights(RunFolder(project / "runs" / "001-reticle-s"), class_ids=(1, 2))
    assert main(["export-model", str(project), "--run", "1", "--format", "torch"]) == 1
    assert "there is no run 1" in capsys.readouterr().err
    assert main(["export-model", str(project), "--run", "001", "--format", "torch"]) == 0
    out = tmp_path / "case" / "old-001-reticle-s-torch"
    assert (out / "model.pt2").is_file()
    assert capsys.readouterr().out.splitlines() == [
        f"{out}: model.pt2, model-card.json, model-card.md",
        "against torch on 8 images: boxes differ by at most 0 px, scores by 0",
    ]
