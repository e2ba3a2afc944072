"""Commands under torchrun: two processes on this machine, which find each other by its environment alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from detcore.project.edits import add_boxes, add_class, add_images
from detcore.project.project import Project
from detcore.project.runs import RunState, list_runs, predicted_images
from detcore.types import Box, Image
from tests.detcore.conftest import draw_images

REPOSITORY = Path(__file__).resolve().parents[3]


def torchrun(*arguments: str) -> str:
    """What a command under torchrun says."""
    places = ["--nnodes=1", "--nproc-per-node=2", "--rdzv-backend=c10d", "--rdzv-endpoint=127.0.0.1:0"]
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", *places, str(REPOSITORY / "main.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(os.name != "posix", reason="torchrun for Windows needs another store")
def test_two_processes_of_torchrun_make_one_run_together(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    paths, boxes = draw_images(folder, count=10, width=96, height=64, classes=1)
    with Project.create(tmp_path / "p.reticle", image_root=folder) as project:
        project.edit(add_class, "block")
        images = [Image(id=0, path=path.name, width=96, height=64) for path in paths]
        project.edit(add_images, images)
        ids, kind = project.image_ids(), project.classes()[0].id
        own = [
            Box(
                id=0,
                image_id=ids[box.image_id - 1],
                class_id=kind,
                x1=box.x1,
                y1=box.y1,
                x2=box.x2,
                y2=box.y2,
            )
            for box in boxes
        ]
        project.edit(add_boxes, own)
    said = torchrun(
        *("train", str(tmp_path / "p.reticle"), "--epochs", "1", "--device", "cpu"),
        *("--image-size", "96", "--batch-size", "2"),
    )
    assert "2 × " in said
    with Project.open(tmp_path / "p.reticle", read_only=True) as project:
        (run,) = list_runs(project)
        assert run.state is RunState.COMPLETED
        assert predicted_images(run.folder) == set(ids)
