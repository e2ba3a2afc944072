"""OpenVINO gives what torch gives. Collected only where it is installed (see conftest)."""

from __future__ import annotations

from pathlib import Path

import openvino
import openvino_telemetry
import pytest
import torch

from detcore.jobs.events import Ended
from detcore.jobs.owner import ExitCode
from detcore.project.runs import RunFolder
from tests.detcore.deploy.test_export_model import detector_of, squares
from tests.detcore.working import work_here


@pytest.fixture(autouse=True)
def nothing_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its converter reports each use to the makers of OpenVINO, without having asked."""

    def report(*_arguments: object, **_more: object) -> None:
        pytest.fail("the use of OpenVINO was to be reported")

    monkeypatch.setattr(openvino_telemetry, "Telemetry", report)


def test_its_file_gives_the_answers_of_torch(run: RunFolder, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["--snapshot", str(run.snapshot), "--format", "openvino", "--out", str(out)]
    code, told = work_here("export", str(run.path), *words)
    assert code is ExitCode.DONE, told[-1]
    assert isinstance(told[-1], Ended)
    assert told[-1].result["files"] == ["model.xml", "model.bin", "model-card.json", "model-card.md"]
    hint = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(out / "model.xml", "CPU", hint)
    frames = squares(run)
    with torch.inference_mode():
        looks = detector_of(run).look(torch.from_numpy(frames))
    boxes, scores = (compiled(frames)[output] for output in compiled.outputs)
    for row, look in enumerate(looks):
        torch.testing.assert_close(torch.from_numpy(boxes[row]), look["boxes"], atol=0.01, rtol=0)
        torch.testing.assert_close(torch.from_numpy(scores[row]), look["scores"], atol=1e-4, rtol=0)
