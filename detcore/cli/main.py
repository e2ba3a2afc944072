"""From arguments to a command, and from errors to an exit status."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from types import FrameType

from detcore.cli.console import complain
from detcore.cli.status import INTERRUPTED, MENDABLE, USAGE
from detcore.errors import Cancelled, ConfigError, ReticleError, disk_error
from detcore.jobs.devices import process_count

COMMANDS = {
    "new": "data_commands.new",
    "import": "data_commands.import_labels",
    "inspect": "inspect_command.inspect",
    "import-detections": "detections_commands.import_detections",
    "export": "data_commands.export",
    "diff": "diff_commands.diff",
    "apply-diff": "diff_commands.apply_diff",
    "link": "in_place_commands.link",
    "sync": "in_place_commands.sync",
    "split": "data_commands.split",
    "subset": "data_commands.subset",
    "info": "data_commands.info",
    "rescue": "rescue_commands.rescue",
    "sizes": "image_commands.sizes",
    "locate": "image_commands.locate",
    "train": "model_commands.train",
    "learn": "learn_command.learn",
    "prune": "prune_command.prune",
    "preview-training": "preview_command.preview_training",
    "predict": "model_commands.predict",
    "export-model": "model_commands.export_model",
    "diagnose": "run_commands.diagnose",
    "curves": "run_commands.curves",
    "models": "models_command.models",
    "model-info": "model_info.model_info",
    "anchors": "anchor_command.anchors",
    "cfg-classes": "model_info.cfg_classes",
    "evaluate": "model_commands.evaluate",
    "queue": "queue_commands.queue",
    "audit": "audit_commands.audit",
    "compare": "audit_commands.compare",
    "agree": "detections_commands.agree",
    "crossval": "audit_commands.crossval",
    "next": "insight_commands.next_images",
    "duplicates": "insight_commands.duplicates",
    "report": "insight_commands.report",
    "weights": "weights_commands.weights",
    "sample": "demo_commands.sample",
    "demo": "demo_commands.demo",
}
"""Where each command lives; loaded when it is asked for, so that the window opens at once."""
_SEPARATORS = {"/", os.sep}
"""A word with one of these is a path, also where nothing is there."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command, or open the window; returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        if arguments[:1] == ["worker"]:
            return _work(arguments[1:])
        if not arguments or _is_path(arguments[0]):
            return _open_window(arguments)
        from detcore.cli.parser import make_parser

        _write_any_character()
        options = make_parser().parse_args(arguments)
        _check_outputs(options)
        with _ended_like_by_ctrl_c():
            if process_count() > 1:
                from detcore.cli.launched import run_launched

                return run_launched(options, _command(options.command))
            return _command(options.command)(options)
    except Cancelled as error:
        complain(str(error))
        return INTERRUPTED
    except ReticleError as error:
        complain(f"error: {error}")
        return MENDABLE
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED
    except OSError as error:
        complain(f"error: {disk_error(error)}")
        return MENDABLE


@contextmanager
def _ended_like_by_ctrl_c() -> Generator[None]:
    """A command that is asked to end (SIGTERM) clears up behind it, as it does for Ctrl+C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _work(arguments: Sequence[str]) -> int:
    """Be a worker process. One that only leads others loads no torch; others say first what they will work
    on, since loading it takes seconds. A job on several devices is led by one that loads none."""
    if arguments[:1] == ["crossval"]:
        from detcore.jobs.child.crossval import main as lead

        return lead(arguments)
    from detcore.jobs.program import check_can_train
    from detcore.jobs.worker_process import announced

    with announced(arguments):
        check_can_train()
        from detcore.jobs.child.arguments import devices_to_lead

        if devices := devices_to_lead(arguments):
            from detcore.jobs.child.ranks import main as lead_several

            return lead_several(arguments, devices)
        from detcore.jobs.child.worker import main as work

        return work(arguments)


def _write_any_character() -> None:
    """Names of files and classes may hold what the terminal cannot show."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _check_outputs(options: argparse.Namespace) -> None:
    """A file that cannot be written is better told before the work than after it.

    Raises:
        ConfigError: its folder is not there, or it is a folder itself.
    """
    names = ["json", "errors", "report", "png", "csv", "drawing"]
    if options.command in ("report", "preview-training"):
        names.append("out")
    for name in names:
        file: object = getattr(options, name, None)
        if not isinstance(file, Path):
            continue
        if file.is_dir():
            raise ConfigError(f"--{name} is a folder", path=file, hint="Name a file")
        if not file.parent.is_dir():
            raise ConfigError(f"the folder of --{name} is not there", path=file.parent, hint="Make it first")


def _command(name: str) -> Callable[[argparse.Namespace], int]:
    module, function = COMMANDS[name].split(".")
    return getattr(importlib.import_module(f"detcore.cli.{module}"), function)


def _is_path(word: str) -> bool:
    """Whether a first word names something to open rather than a command."""
    return (
        word not in COMMANDS
        and not word.startswith("-")
        and (Path(word).exists() or word.endswith(".reticle") or bool(_SEPARATORS & set(word)))
    )


def _open_window(arguments: Sequence[str]) -> int:
    if len(arguments) > 1:
        complain("error: give one project or one folder of images.")
        return USAGE
    for path in map(Path, arguments):
        if not path.exists():
            raise ConfigError("no such folder", path=path, hint="Give a folder of images, or a project")
    try:
        from app.shell.application import run
    except ImportError as error:
        raise ReticleError(
            f"the window cannot be opened ({error})", hint="Install it with: pip install 'reticle[app]'"
        ) from error
    return run(Path(arguments[0]) if arguments else None)
