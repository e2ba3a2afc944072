"""A run of two processes is that of one with all their images."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from detcore.jobs.devices import environment_alone
from detcore.project.runs import RunFolder
from tests.detcore.two_processes import REPOSITORY, two_processes
from tests.detcore.working import work_here

MakeRun = Callable[..., RunFolder]
TRAINING = """
import json, os, sys
import torch
from detcore.jobs.events import Validation
from detcore.training.hooks import MetricsHook
from detcore.training.trainer import Trainer
from tests.detcore.working import work_here

own, told = [], []

def watched(self, batches):
    losses, paths, image_ids = gradients(self, batches)
    own.append((sum(losses.values()), image_ids))
    return losses, paths, image_ids

def after_step(self, trainer):
    last = trainer.last
    told.append((sum(last.losses.values()), last.gradient, last.highest_loss, last.image_ids))

def normalised(self, values):  # by the running averages, since the statistics of half a batch are others
    norm = torch.nn.functional.batch_norm
    return norm(values, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)

gradients, Trainer._gradients = Trainer._gradients, watched
MetricsHook.after_step = after_step
torch.nn.BatchNorm2d.forward = normalised
first = os.environ.get("RANK", "0") == "0"
code, heard = work_here("train", sys.argv[1]) if first else work_here("follow")
assert code == 0, heard
judged = [event.metrics["AP"] for event in heard if isinstance(event, Validation)]
print(json.dumps({"own": own, "told": told, "AP": judged}))
"""


def test_two_processes_have_the_losses_the_gradients_and_the_ap_of_one_with_batches_as_large(
    make_run: MakeRun,
) -> None:
    settings = {"images": 16, "val": 4, "classes": 1, "predict_after": False}
    start = make_run(name="001-start", epochs=40, **settings)
    assert work_here("train", str(start.path))[0] == 0
    settings |= {"weights": str(start.last), "epochs": 3, "deterministic": True}
    one, two = (make_run(name=f"batches-of-{size}", batch_size=size, **settings) for size in (4, 2))
    done = subprocess.run(
        [sys.executable, "-c", TRAINING, str(one.path)],
        env={**environment_alone(), "OMP_NUM_THREADS": "1"},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    whole = json.loads(done.stdout)
    first, second = map(json.loads, two_processes(TRAINING, str(two.path)))
    losses, gradients = zip(*((row[0], row[1]) for row in first["told"]), strict=True)
    expected_losses, expected_gradients = zip(*((row[0], row[1]) for row in whole["told"]), strict=True)
    assert len(losses) == 9  # three passes of twelve images, four a step
    assert losses == pytest.approx(expected_losses, rel=1e-4)
    assert gradients == pytest.approx(expected_gradients, rel=1e-3)
    assert len(whole["AP"]) == 4  # before the first step, and after each pass
    assert min(whole["AP"]) > 0.3
    assert first["AP"] == pytest.approx(whole["AP"], abs=0.01)
    # The batch that did most harm is that of the process with the higher loss.
    assert [row[2:] for row in first["told"]] == list(map(max, first["own"], second["own"]))
