"""`prune`: a new run, of what is left of another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from detcore.cli import main
from detcore.jobs.config import TrainConfig
from detcore.jobs.outcomes import Outcome, OutcomeState
from detcore.project.project import Project
from detcore.project.runs import RunFolder, create_run, list_runs
from detcore.zoo.checkpoint import read_checkpoint, write_checkpoint
from tests.detcore.cli.small_projects import small_project
from tests.detcore.training.test_pruned_runs import whole

COMPLETED = Outcome(state=OutcomeState.COMPLETED, text="training completed")


def test_a_run_is_pruned_into_a_new_one_with_its_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = small_project(tmp_path)
    with Project.open(folder) as project:
        run = create_run(project, "reticle-n")
    config = TrainConfig(detector="reticle-n").with_settings({"image_size": 96, "hard_negatives": 1.0})
    run.config.write_text(config.to_json())
    write_checkpoint(whole(), run.last)
    monkeypatch.setattr("detcore.cli.model_commands.watch_job", lambda _make: COMPLETED)
    assert main(["prune", str(folder), "--run", "001", "--keep", "0.5", "--minutes", "2"]) == 0
    words = capsys.readouterr().out
    assert "001-reticle-n: 0.41 M parameters" in words
    assert "run 002-reticle-n" in words
    made = RunFolder(folder / "runs" / "002-reticle-n")
    settings = TrainConfig.load(made.config)
    assert settings.learning.weights == str(made.start)
    assert settings.options == read_checkpoint(made.start).options
    assert settings.options["widths"]
    assert (settings.learning.minutes, settings.learning.image_size) == (2.0, 96)
    assert settings.learning.hard_negatives == 0.0
    with Project.open(folder) as project:
        origins = [(info.pruned_from, info.kept) for info in list_runs(project)]
    assert origins == [("001-reticle-n", 0.5), ("", 1.0)]


@pytest.mark.parametrize("keep", ["0", "1.1", "half"])
def test_a_share_that_is_none_is_refused(tmp_path: Path, keep: str) -> None:
    with pytest.raises(SystemExit):
        main(["prune", str(tmp_path), "--run", "001", "--keep", keep])
