"""Who learns on a device is known to the learners of this machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from detcore.jobs.device_use import LearnerTurn, is_trained_on, training_on

ROOT = Path(__file__).parents[3]
_TRAINS = """
import time
from detcore.jobs.device_use import training_on
with training_on("cuda:1"):
    print("trains", flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RETICLE_DEVICES", str(tmp_path))
    monkeypatch.setattr("detcore.jobs.device_use._LOOK_SECONDS", 0.0)
    return tmp_path


def test_a_device_is_trained_on_as_long_as_the_training_lasts() -> None:
    turn = LearnerTurn("cpu")
    assert turn.is_mine()
    with training_on("cpu"):
        assert is_trained_on("cpu")
        assert not is_trained_on("cuda:0")
        assert not turn.is_mine()
        assert LearnerTurn("cuda:0").is_mine()
    assert not is_trained_on("cpu")
    assert turn.is_mine()
    turn.end()


def test_what_another_process_trains_is_known_and_forgotten_when_it_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", _TRAINS], cwd=ROOT, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == b"trains"
        assert is_trained_on("cuda:1")
        assert not is_trained_on("cuda:0")
        other.kill()
        other.wait()
    assert not is_trained_on("cuda:1")


def test_of_two_learners_on_a_device_the_first_learns_until_it_leaves_it() -> None:
    first, second = LearnerTurn("cpu"), LearnerTurn("cpu")
    assert first.is_mine()
    assert not second.is_mine()
    first.end()
    assert second.is_mine()
    assert not first.is_mine()
    second.end()


def test_where_nothing_can_be_written_nobody_waits(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "file").touch()
    monkeypatch.setenv("RETICLE_DEVICES", str(folder / "file"))
    with training_on("cpu"):
        assert not is_trained_on("cpu")
        assert LearnerTurn("cpu").is_mine()
