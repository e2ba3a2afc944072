"""The base install converts and evaluates; what needs an extra says in one line how to get it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
OLD = ROOT / "tests" / "cases" / "version_0_1"
RUN = "001-reticle-s"
TORCH = ("torch", "torchvision")
QT = ("PySide6", "shiboken6", "pyqtgraph", "qtawesome")


def reticle(*arguments: object, without: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """The command line in an installation that lacks some packages."""
    code = f"""
import sys
sys.modules.update(dict.fromkeys({without!r}))
from detcore.cli import main
sys.exit(main({[str(word) for word in arguments]!r}))
"""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A project with labels, splits and a run."""
    shutil.copytree(OLD, tmp_path / "old")
    return tmp_path / "old" / "old.reticle"


@pytest.mark.parametrize(
    "words",
    [("train",), ("train", "--resume", RUN), ("predict", "--run", RUN), ("crossval",)],
    ids=["train", "resume", "predict", "crossval"],
)
def test_without_torch_what_needs_it_says_how_to_get_it(old: Path, words: tuple[str, ...]) -> None:
    command, *options = words
    done = reticle(command, old, *options, without=TORCH)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: PyTorch, which training and prediction need, is not installed. "
        "Install it with: pip install 'reticle[train]'."
    ]
    assert [path.name for path in (old / "runs").iterdir() if path.is_dir()] == [RUN]


def test_a_worker_without_torch_says_so_instead_of_a_traceback() -> None:
    done = reticle("worker", "devices", without=TORCH)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "pip install 'reticle[train]'" in done.stderr


def test_the_base_install_takes_labels_in_and_writes_another_format(old: Path, tmp_path: Path) -> None:
    out = tmp_path / "coco"
    done = reticle("export", old, "--format", "coco", "--out", out, without=TORCH + QT)
    assert (done.returncode, done.stderr) == (0, "")
    again = tmp_path / "again.reticle"
    done = reticle("import", again, "--format", "coco", out, without=TORCH + QT)
    assert (done.returncode, done.stderr) == (0, "")
    described = [reticle("info", project, "--json", without=TORCH + QT).stdout for project in (old, again)]
    counts = [json.loads(text)["boxes"] for text in described]
    assert counts[0] == counts[1] > 0


def test_the_base_install_evaluates(tmp_path: Path) -> None:
    box = {"image_id": 1, "category_id": 1, "bbox": [0, 0, 10, 10]}
    gt = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 20, "height": 20}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [{**box, "id": 1, "area": 100, "iscrowd": 0}],
    }
    for name, content in (("gt", gt), ("dt", [{**box, "score": 0.9}])):
        (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    figures = tmp_path / "figures.json"
    words = ["--gt", tmp_path / "gt.json", "--dt", tmp_path / "dt.json", "--json", figures]
    done = reticle("evaluate", *words, without=TORCH + QT)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(figures.read_text(encoding="utf-8"))["AP"] == pytest.approx(1.0)


def test_without_qt_the_window_says_how_to_get_it(tmp_path: Path) -> None:
    done = reticle(tmp_path, without=QT)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "pip install 'reticle[app]'" in done.stderr


def test_without_torch_detectors_are_listed_with_what_is_missing() -> None:
    done = reticle("models", without=TORCH)
    assert done.returncode == 0, done.stderr
    assert "reticle-s" in done.stdout
    assert done.stdout.count("not installed") > 20
    assert "pip install 'reticle[train]'" in done.stdout
