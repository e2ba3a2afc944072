"""Commands that read what a run has told: diagnose, curves."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TypeVar

from detcore.cli.console import say, table, write_json
from detcore.errors import ConfigError
from detcore.jobs.diagnosis import Diagnosis, lost_by_class
from detcore.jobs.events import LAYER_FIGURES, ClassLosses, Event, HardBatch, Layers, Step, Validation
from detcore.jobs.tensorboard_file import write_board
from detcore.project.imported_run import refuse_imported
from detcore.project.project import Project
from detcore.project.runs import find_run, read_events
from detcore.project.snapshot import Snapshot
from detcore.report.learning_curves import learning_curves, write_curves_csv, write_curves_png
from detcore.wording import counted

_HARDEST = 3
Kind = TypeVar("Kind", bound=Event)


def diagnose(options: argparse.Namespace) -> int:
    """Say what keeps a run from learning, what its classes cost and lose, its hardest batches, and its layers if asked."""
    with Project.open(options.project, read_only=True) as project:
        run = find_run(project, options.run)
    refuse_imported(run, "diagnose")
    events = read_events(run.events)
    findings = Diagnosis(events).findings()
    for finding in findings:
        say(f"{finding}\n")
    if not findings:
        say(f"{run.name}: nothing is wrong that could be measured.\n")
    last = _last(events, Step)
    if last is not None:
        say(_pace(last))
    judged = _last(events, Validation)
    if judged is not None and judged.per_class:
        say("\nAP that each class costs, of 1 in all:")
        rows = [
            [name, f"{judged.per_class[name]:.3f}", f"{lost:.3f}"] for name, lost in lost_by_class(judged)
        ]
        say(table(rows, head=["class", "AP", "lost"]))
    learnt = _last(events, ClassLosses)
    if learnt is not None:
        say(f"\nLoss of each class, of {sum(learnt.losses.values()):.3g} in all at step {learnt.step:,}:")
        ordered = sorted(learnt.losses.items(), key=lambda item: item[1], reverse=True)
        say(table([[name, f"{loss:.3g}"] for name, loss in ordered], head=["class", "loss"]))
    paths = {image.id: image.path for image in Snapshot.load(run.snapshot).images}
    hardest = sorted(
        (event for event in events if isinstance(event, HardBatch)),
        key=lambda event: event.loss / event.usual,
        reverse=True,
    )
    for batch in hardest[:_HARDEST]:
        say(f"\nstep {batch.step:,}: loss {batch.loss:.3g}, usually {batch.usual:.3g}, by")
        for image_id in batch.images:
            say(f"  {paths.get(image_id, f'image {image_id}')}")
    layers = _last(events, Layers)
    if options.layers and layers is not None:
        say(f"\nLayers at step {layers.step:,}:")
        rows = [
            [name, *(_figure(layers.figures[column][row]) for column in LAYER_FIGURES)]
            for row, name in enumerate(layers.names)
        ]
        say(table(rows, head=["layer", *LAYER_FIGURES]))
    if options.json is not None:
        write_json(options.json, [asdict(finding) for finding in findings])
    return 0


def curves(options: argparse.Namespace) -> int:
    """Write the curves of a run as a picture, as a table, and for TensorBoard."""
    if options.png is None and options.csv is None and options.tensorboard is None:
        raise ConfigError("nothing to write", hint="Give --png FILE, --csv FILE or --tensorboard DIR")
    with Project.open(options.project, read_only=True) as project:
        run = find_run(project, options.run)
    refuse_imported(run, "draw curves of")
    told = read_events(run.events)
    drawn = learning_curves(told)
    if options.png is not None:
        write_curves_png(drawn, options.png, title=run.name)
        say(str(options.png))
    if options.csv is not None:
        write_curves_csv(drawn, options.csv)
        say(str(options.csv))
    if options.tensorboard is not None:
        write_board(options.tensorboard, told)
        say(str(options.tensorboard))
    return 0


def _last(events: list[Event], kind: type[Kind]) -> Kind | None:
    return next((event for event in reversed(events) if isinstance(event, kind)), None)


def _pace(step: Step) -> str:
    parts = [f"{step.images_per_second:.1f} images a second"]
    if step.memory is not None:
        parts.append(f"{step.memory / 2**30:.1f} GiB of memory")
    if step.device_memory is not None:
        parts.append(f"{step.device_memory / 2**30:.1f} GiB on the GPU")
    if step.gradient is not None and step.clipped is not None:
        parts.append(f"gradients of length {step.gradient:.3g}, {step.clipped:.0%} of them cut")
    return f"{counted(step.step, 'step')}: {', '.join(parts)}"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"
