"""A worker names itself before it is able to work: until torch is loaded, seconds go by."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from detcore.errors import ProjectError
from detcore.jobs.worker_process import announced
from detcore.project.project import Project
from detcore.project.runs import RunFolder, create_run, discard, is_running, write_pid

AT_TORCH = """
import importlib.abc, os, sys
from pathlib import Path

class Look(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "torch":
            print(Path({pid!r}).is_file())
            sys.stdout.flush()
            os._exit(0)

sys.meta_path.insert(0, Look())
from detcore.cli import main
main(["worker", "train", {run!r}])
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "p.reticle", image_root=tmp_path) as made:
        yield made


@pytest.fixture
def run(project: Project) -> RunFolder:
    return create_run(project, "reticle-s")


@pytest.mark.parametrize("verb", ["train", "predict"])
def test_a_run_is_not_discarded_while_its_worker_still_starts(
    project: Project, run: RunFolder, verb: str
) -> None:
    with announced(["--unattended", verb, str(run.path), "--device", "cpu"]):
        assert is_running(run)
        with pytest.raises(ProjectError, match="still running"):
            discard(project, run.name)
    assert not run.pid.exists()
    assert discard(project, run.name).is_dir()


def test_a_worker_names_itself_before_torch_is_loaded(run: RunFolder) -> None:
    code = AT_TORCH.format(pid=str(run.pid), run=str(run.path))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "True\n", done.stderr


def test_the_name_of_a_process_that_works_on_the_run_stays(run: RunFolder) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        write_pid(run, process.pid)
        before = run.pid.read_text()
        with announced(["train", str(run.path)]):
            assert run.pid.read_text() == before
        assert run.pid.read_text() == before
        process.kill()


@pytest.mark.parametrize("words", [[], ["train"], ["devices"], ["train", "no-such-folder"]])
def test_words_that_name_no_run_write_nothing(run: RunFolder, words: list[str]) -> None:
    with announced(words):
        assert not run.pid.exists()


def test_only_the_first_of_several_processes_speaks_for_the_run(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "RANK", "1")
    with announced(["train", str(run.path)]):
        assert not run.pid.exists()
