"""An export that is ended leaves nothing behind, and what a killed one left goes with the next one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from detcore.formats import all_formats
from tests.detcore.formats.format_samples import WRITABLE, box, dataset_of

ENDED = """
import os, signal, sys
from pathlib import Path
from detcore.cli.main import main
from detcore.exchange import export_dataset
import detcore.cli.data_commands as commands

def slow(project, name, out, **more):
    def ask(done, total):
        if any(out.parent.glob(".out.*.partial")):
            os.kill(os.getpid(), signal.{signal})
        return True
    return export_dataset(project, name, out, **{{**more, "progress": ask}})

commands.export_dataset = slow
sys.exit(main({arguments!r}))
"""
every_format = pytest.mark.parametrize("name", WRITABLE)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def export_ended_by(number: signal.Signals, tmp_path: Path) -> int:
    """The exit status of an export to ``out`` that gets a signal once it writes."""
    from detcore.exchange import import_dataset
    from detcore.project.project import Project

    all_formats()["yolo"].write(
        dataset_of(tmp_path / "in", {"a.jpg": [box(0, 1, 2, 30, 40)]}), tmp_path / "source"
    )
    with Project.create(tmp_path / "p.reticle", image_root=tmp_path / "source") as project:
        import_dataset(project, "yolo", tmp_path / "source")
    command = ["export", str(tmp_path / "p.reticle"), "--format", "coco", "--out", str(tmp_path / "x/out")]
    code = ENDED.format(signal=number.name, arguments=command)
    return subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode


@pytest.mark.skipif(os.name == "nt", reason="no such signals")
def test_an_export_that_is_asked_to_end_clears_up(tmp_path: Path):
    assert export_ended_by(signal.SIGTERM, tmp_path) == 130
    assert names(tmp_path / "x") == []


@pytest.mark.skipif(os.name == "nt", reason="no such signals")
def test_what_a_killed_export_left_goes_with_the_next_one(tmp_path: Path):
    assert export_ended_by(signal.SIGKILL, tmp_path) == -signal.SIGKILL
    (left,) = names(tmp_path / "x")
    assert left.endswith(".partial")
    running = tmp_path / f"x/.out.{os.getpid()}-abc.partial"  # another export, of a process that is alive
    other = tmp_path / "x/.outer.1-abc.partial"
    for folder in (running, other):
        folder.mkdir()
    all_formats()["coco"].write(dataset_of(tmp_path / "in", {"a.jpg": []}), tmp_path / "x/out")
    assert names(tmp_path / "x") == sorted([running.name, other.name, "out"])


@every_format
def test_an_earlier_export_that_was_put_aside_comes_back(name: str, tmp_path: Path):
    """Killed between the two renames: the earlier export lies aside, and nothing at its place."""
    dataset = dataset_of(tmp_path / "in", {"a.jpg": [box(0, 1, 2, 30, 40)]})
    out = tmp_path / "x/out"
    all_formats()[name].write(dataset, out)
    (out / "mine.txt").write_text("added by hand")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    aside = tmp_path / f"x/.out.{gone.pid}-abc.earlier"
    aside.mkdir()
    out.rename(aside / "export")
    with pytest.raises(Exception, match=r"mine\.txt"):
        all_formats()[name].write(dataset, out)
    assert (out / "mine.txt").read_text() == "added by hand"
    assert names(tmp_path / "x") == ["out"]


@every_format
def test_boxes_that_are_there_twice_are_counted_alike_by_all(name: str, tmp_path: Path):
    boxes = [box(0, 1, 2, 30, 40), box(0, 1, 2, 30, 40), box(1, 1, 2, 30, 40)]
    report = all_formats()[name].write(dataset_of(tmp_path / "in", {"a.jpg": boxes}), tmp_path / "out")
    assert ["1 box identical to another one" in note for note in report.notes].count(True) == 1
    assert report.box_count == 3
