"""A project that version 0.1 made, with its journal and a run, is the same project in this version.

``tests/cases/version_0_1`` was made by 0.1: a state after each of its edits, the last two of them undone. Of its
checkpoint there are the names, kinds and shapes of the tensors; the test fills them.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from detcore.cli import main
from detcore.project.history import edits_since
from detcore.project.project import Project
from detcore.project.runs import RunFolder, RunState, list_runs, load_detections
from detcore.review.review import build_review

CASE = Path(__file__).parents[1] / "cases" / "version_0_1"
KINDS = {"F32": torch.float32, "I64": torch.int64, "U8": torch.uint8}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy that can be written to; the project finds its images beside it."""
    shutil.copytree(CASE, tmp_path / "case")
    return tmp_path / "case" / "old.reticle"


def states() -> tuple[list[Any], int]:
    """The state after each edit, and how many of them were not undone."""
    record = json.loads((CASE / "states.json").read_text())
    return record["states"], record["done"]


def state(project: Project) -> dict[str, Any]:
    return {
        "boxes": [
            [box.id, box.image_id, box.class_id, *box.xyxy, box.difficult, box.origin.value]
            for box in project.all_boxes()
        ],
        "classes": [[item.id, item.name, item.color, item.position] for item in project.classes()],
        "images": [[image.id, image.path, image.status.value, image.split] for image in project.images()],
    }


def test_the_words_of_its_journal_are_shown_as_they_are(folder: Path) -> None:
    database = sqlite3.connect(folder / "project.db")
    words = [row[0] for row in database.execute("SELECT text FROM edit ORDER BY id")]
    database.close()
    _, done = states()
    with Project.open(folder) as project:
        assert project.undo_text == words[done - 1]
        assert project.redo_text == words[done]
        told = [entry.text for entry in edits_since(project, 0)]
    assert told == words[:done][::-1]


def test_the_whole_journal_is_undone_and_redone_step_by_step(folder: Path) -> None:
    wanted, done = states()
    with Project.open(folder) as project:
        assert state(project) == wanted[done]
        for step in reversed(range(done)):
            assert project.undo() is not None
            assert state(project) == wanted[step]
        assert project.undo() is None
        for step in range(1, len(wanted)):
            assert project.redo() is not None
            assert state(project) == wanted[step]
        assert project.redo() is None


def test_it_can_be_read_without_being_brought_up_to_date(folder: Path) -> None:
    before = (folder / "project.db").read_bytes()
    wanted, done = states()
    with Project.open(folder, read_only=True) as project:
        assert state(project) == wanted[done]
    assert (folder / "project.db").read_bytes() == before


def test_its_run_is_listed_and_reviewed(folder: Path) -> None:
    with Project.open(folder) as project:
        (run,) = list_runs(project)
        assert (run.name, run.model, run.state) == ("001-reticle-s", "reticle-s", RunState.COMPLETED)
        review = build_review(project, run.folder, None, 0.5)
        assert len(load_detections(run.folder)) == 474
        assert review.image_count == 2


def test_its_training_goes_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = RunFolder(folder / "runs" / "001-reticle-s")
    write_checkpoint(run.last)
    before = run.events.read_text().count('"event": "step"')
    assert main(["train", str(folder), "--resume", run.name, "--minutes", "0.4"]) == 0
    assert "completed" in capsys.readouterr().out
    assert run.events.read_text().count('"event": "step"') > before
    assert run.best.is_file()


def write_checkpoint(path: Path) -> None:
    """As 0.1 laid it out, with weights of nobody's."""
    record = json.loads((CASE / "checkpoint.json").read_text())
    generator = torch.Generator().manual_seed(0)
    tensors: dict[str, torch.Tensor] = {}
    for name, (kind, shape) in record["tensors"].items():
        if name.startswith("random."):
            tensors[name] = torch.get_rng_state()
        elif kind == "F32":
            tensors[name] = 0.05 * torch.rand(shape, generator=generator) + 0.01
        else:
            tensors[name] = torch.zeros(shape, dtype=KINDS[kind])
    save_file(tensors, path, metadata=record["metadata"])
