"""The detector that docs/extending.md shows comes in as a plug-in: installed in a folder, nothing else touched."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from pytestqt.qtbot import QtBot

from app.train.widgets.settings import TrainSettings
from detcore.cli.parser import make_parser
from detcore.cli.predicting import training_config
from detcore.errors import ConfigError
from detcore.inference.predictor import Predictor
from detcore.jobs.config import TrainConfig
from detcore.jobs.events import EndReason
from detcore.jobs.worker_process import StopFlags
from detcore.project.runs import RunFolder
from detcore.training.distributed import Group
from detcore.training.session import Session, TrainingResult
from detcore.zoo.catalogue import detectors
from detcore.zoo.checkpoint import read_checkpoint
from tests.detcore.conftest import make_run  # noqa: F401 - a fixture

GUIDE = Path(__file__).resolve().parents[2] / "docs/extending.md"
MODULES = ("blob_card", "blob_net")


@pytest.fixture
def blob(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """The plug-in of the guide is installed; call it to uninstall."""
    folder = tmp_path / "site-packages"
    info = folder / "reticle_blob-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: reticle_blob\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[reticle.detectors]\nblob = blob_card:SPEC\n")
    _, _, part = GUIDE.read_text(encoding="utf-8").partition("## A detector in 40 lines")
    shown = re.findall(r"```python\n(.*?)```", part, re.DOTALL)[:2]
    for module, code in zip(MODULES, shown, strict=True):
        (folder / f"{module}.py").write_text(code, encoding="utf-8")
    with monkeypatch.context() as path:
        path.syspath_prepend(folder)
        detectors.cache_clear()

        def uninstall() -> None:
            path.undo()
            detectors.cache_clear()

        yield uninstall
    detectors.cache_clear()
    for module in MODULES:
        sys.modules.pop(module, None)


def train(run: RunFolder) -> TrainingResult:
    return Session(run, attempt=0, emit=lambda _event: None, flags=StopFlags(), group=Group()).train()


@pytest.mark.usefixtures("blob")
def test_the_card_is_in_the_catalogue_without_its_network() -> None:
    assert detectors()["blob"].title == "Blob"
    assert "blob_net" not in sys.modules


@pytest.mark.usefixtures("blob")
def test_commands_know_it_and_its_option() -> None:
    words = ["train", "p.reticle", "--model", "blob", "--option", "width=64"]
    config = training_config(make_parser().parse_args(words))
    assert (config.detector, config.options) == ("blob", {"width": 64})


@pytest.mark.usefixtures("blob")
def test_the_form_has_a_field_for_its_option(qtbot: QtBot) -> None:
    settings = TrainSettings()
    qtbot.addWidget(settings)
    settings.show_config(TrainConfig(detector="blob", options={"width": 64}))
    field = settings.options.fields["width"]
    field.setValue(field.value() + 1)  # type: ignore[union-attr]
    assert settings.config().options == {"width": 65}


def test_it_trains_and_predicts_and_its_run_is_read_when_it_is_gone(
    blob: Callable[[], None],
    make_run: Callable[..., RunFolder],  # noqa: F811
) -> None:
    run = make_run(images=6, val=2, epochs=1, batch_size=2, model="blob", options={"width": 8})
    result = train(run)
    assert (result.reason, result.state.step) == (EndReason.COMPLETED, 2)
    checkpoint = read_checkpoint(run.last)
    assert Predictor(checkpoint, torch.device("cpu")).detector.num_classes == 2
    blob()
    assert "blob" not in detectors()
    assert TrainConfig.load(run.config).detector == "blob"
    kept = read_checkpoint(run.last)
    assert (kept.model, kept.options, kept.image_size) == ("blob", {"width": 8}, 96)
    assert kept.input_rule["mean"] == [0.5, 0.5, 0.5]
    with pytest.raises(ConfigError, match="the detector 'blob' is not installed"):
        Predictor(kept, torch.device("cpu"))
    with pytest.raises(ConfigError, match="the detector 'blob' is not installed"):
        train(run)
