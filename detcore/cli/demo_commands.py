"""Commands about the sample: sample, demo."""

from __future__ import annotations

import argparse

from detcore.cli.console import progress_bar, say
from detcore.jobs.program import check_can_train
from detcore.sample import create_sample_project


def sample(options: argparse.Namespace) -> int:
    with progress_bar("painting", "image") as progress:
        project = create_sample_project(options.folder, seed=options.seed, progress=progress)
    say(str(project.folder))
    project.close()
    return 0


def demo(options: argparse.Namespace) -> int:
    from app.shell.demo import run_demo

    check_can_train()
    return run_demo(options.out, minutes=options.minutes, say=say)
