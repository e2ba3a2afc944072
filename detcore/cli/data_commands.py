"""Commands about images and labels: new, import, export, split, info."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from detcore.atomic import atomic_write
from detcore.cli.console import progress_bar, say, table
from detcore.cli.format_options import chosen_options
from detcore.cli.inspect_command import inspect, read_source, say_format
from detcore.curation.grouping import groups_of
from detcore.errors import ConfigError
from detcore.exchange import ImportOptions, admit, export_dataset, import_found
from detcore.exchange.conflicts import Settle
from detcore.exchange.presets import Preset, preset_named
from detcore.exchange.proof import outcome_text
from detcore.exchange.subset import make_subset
from detcore.formats.base import ExportOptions, Images
from detcore.images.decoding import files_with_frames, frames_text
from detcore.jobs.preparing.material import split_ranks
from detcore.project.edits import Edit, set_split
from detcore.project.opening import create_from_images, named_as_project
from detcore.project.project import Project
from detcore.project.runs import list_runs
from detcore.project.splits import GroupBy, Grouping, divide_images, fill_splits
from detcore.types import SPLITS, Image, Status
from detcore.wording import counted


def new(options: argparse.Namespace) -> int:
    with create_from_images(named_as_project(options.project), options.images) as project:
        say(f"{project.folder}: {counted(len(project.image_ids()), 'image')}")
        framed = files_with_frames(project.image_root, project.image_list().paths)
        if framed:
            say(f"note: {frames_text(framed)}")
    return 0


def import_labels(options: argparse.Namespace) -> int:
    folder = named_as_project(options.project)
    labels = options.source if options.source.is_dir() else options.source.parent
    images: Path | None = options.images
    if options.dry_run:
        return inspect(options)
    wanted = ImportOptions(
        missing=options.missing,
        outside=options.allow_outside,
        scale=options.scale,
        strict=options.strict,
        same_content=options.same_content,
        settle=Settle(options.conflicts),
        classes={**dict(options.rename), **dict.fromkeys(options.leave_out)},
    )
    with progress_bar("importing", "file") as progress:
        if (folder / "project.db").is_file():
            with Project.open(folder) as project:
                found = read_source(options, project, progress)
                found = admit(found, wanted, project=project, progress=progress)
                report = import_found(project, found, progress=progress)
        else:
            # Read first: an import that fails leaves no empty project behind.
            found = admit(read_source(options, None, progress), wanted)
            with Project.create(folder, image_root=images or labels) as project:
                report = import_found(project, found, progress=progress)
    say_format(found)
    for problem in report.problems:
        say(str(problem))
    for note in report.notes:
        say(f"note: {note}")
    boxes = f"{counted(report.boxes, 'box', 'boxes')} on {counted(report.boxed, 'image')}"
    say(f"{boxes}, {counted(report.images, 'new image')}, {counted(len(report.problems), 'problem')}")
    return 0


def export(options: argparse.Namespace) -> int:
    preset = None if options.preset is None else preset_named(options.preset)
    if preset is not None:
        options.format = preset.format
    with (
        Project.open(options.project, read_only=True) as project,
        progress_bar("exporting", "image") as progress,
    ):
        report = export_dataset(
            project,
            options.format,
            options.out,
            splits=options.split,
            options=ExportOptions(
                own=chosen_options(options, preset.options if preset else {}),
                images=_placed_images(options, preset),
                include_unseen=options.include_unseen,
                outside=options.allow_outside,
                classes=None if options.classes is None else frozenset(options.classes),
                statuses=None if options.status is None else frozenset(map(Status, options.status)),
                touched=options.touched,
                keep_emptied=not options.drop_emptied,
            ),
            proof=not options.no_proof,
            progress=progress,
        )
    rows = [
        [
            split or "(no split)",
            f"{report.images.get(split, 0):,}",
            f"{sum(report.boxes.get(split, {}).values()):,}",
        ]
        for split in sorted(set(report.images) | set(report.boxes), key=_split_order)
    ]
    say(table(rows, head=["split", "images", "boxes"]))
    for line in report.losses:
        say(f"not in the files: {line}")
    for line in report.notes:
        say(f"note: {line}")
    for outcome in report.proof:
        say(f"read again as {outcome.reader} does: {outcome_text(outcome, report)}")
        for fault in outcome.faults:
            say(f"  {fault}")
    say(
        f"{report.out}: {counted(report.files, 'file')}, {counted(report.image_count, 'image')}, {counted(report.box_count, 'box', 'boxes')}"
    )
    if options.report is not None:
        record = asdict(report) | {"out": str(report.out)}
        with atomic_write(options.report) as path:
            path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    if preset is not None:
        say(f"\nFor {preset.title}: {preset.text}\n\n{preset.code(report).rstrip()}")
    return 0


def _placed_images(options: argparse.Namespace, preset: Preset | None) -> Images:
    """How the images are to come into the export: as told, as a zip is named, or as the preset says."""
    if options.no_images:
        return Images.REFERENCE
    if options.images is not None:
        return Images(options.images)
    if options.out.suffix.lower() == ".zip":
        return Images.ZIP
    return preset.images if preset is not None else Images.COPY


def split(options: argparse.Namespace) -> int:
    """Divide all images, or those without a split; splits that are there are replaced only when asked for."""
    grouping = Grouping(by=GroupBy(options.group_by), pattern=options.pattern, gap=options.gap)
    with Project.open(options.project) as project:
        with progress_bar("grouping", "image") as progress:
            groups = groups_of(project, grouping, progress=progress)
        project.edit(_division, options, groups)
        counts = project.statistics().splits
    if groups:
        say(f"{counted(len(set(groups.values())), 'group')} of images kept together")
    say(", ".join(f"{name} {counts.get(name, 0):,}" for name in SPLITS))
    return 0


def _division(project: Project, options: argparse.Namespace, groups: Mapping[int, str]) -> Edit:
    images = project.images()
    if not (options.fill or options.replace):
        _refuse_replacing(images, options.project)
    ratios: dict[str, float] = dict(zip(SPLITS, options.ratios, strict=True))
    make = fill_splits if options.fill else divide_images
    ranks = split_ranks(project.image_list())
    classes = project.class_counts() if options.stratify else None
    divided = make(images, ratios, seed=options.seed, ranks=ranks, groups=groups, classes=classes)
    return set_split(project, {**divided})


def _refuse_replacing(images: Sequence[Image], folder: Path) -> None:
    """Raises ConfigError when a split was chosen for some images already: figures of before rest on it."""
    divided = sum(image.split is not None for image in images)
    if divided:
        raise ConfigError(
            f"{divided:,} of {counted(len(images), 'image')} already in a split",
            path=folder,
            hint="Give --fill to divide only the others, or --replace to divide all anew",
        )


def subset(options: argparse.Namespace) -> int:
    """A project of the images that fit everything that was asked for."""
    folder = named_as_project(options.out)
    with (
        Project.open(options.project, read_only=True) as project,
        progress_bar("copying", "image") as progress,
    ):
        wanted = _class_ids(project, options.classes) if options.classes else None
        counts = project.class_counts()
        ids = [
            image.id
            for image in project.images()
            if (not options.split or image.split in options.split)
            and (not options.status or str(image.status) in options.status)
            and (wanted is None or not wanted.isdisjoint(counts.get(image.id, {})))
        ]
        kept = wanted if options.only_classes else None
        make_subset(project, folder, ids, class_ids=kept, progress=progress)
    say(f"{folder}: {counted(len(ids), 'image')}")
    return 0


def _class_ids(project: Project, names: Sequence[str]) -> set[int]:
    known = {item.name: item.id for item in project.classes()}
    strange = next((name for name in names if name not in known), None)
    if strange is not None:
        raise ConfigError(f"there is no class {strange!r}", hint=f"Choose among {', '.join(known)}")
    return {known[name] for name in names}


def info(options: argparse.Namespace) -> int:
    with Project.open(options.project, read_only=True) as project:
        statistics = project.statistics()
        runs = list_runs(project)
    if options.json:
        record: dict[str, Any] = {
            "images": statistics.images,
            "boxes": statistics.boxes,
            "classes": statistics.classes,
            "splits": statistics.splits,
            "statuses": statistics.statuses,
            "runs": [
                {
                    "name": run.name,
                    "model": run.model,
                    "state": str(run.state),
                    "best_AP": run.best_ap,
                    "seconds": run.seconds,
                    "pruned_from": run.pruned_from or None,
                    "kept": run.kept,
                }
                for run in runs
            ],
        }
        say(json.dumps(record, indent=2))
        return 0
    say(f"{counted(statistics.images, 'image')}, {counted(statistics.boxes, 'box', 'boxes')}")
    _say_counts("class", statistics.classes)
    _say_counts("split", statistics.splits)
    _say_counts("status", statistics.statuses)
    rows = [
        [
            run.name,
            f"{run.model}, {run.kept:.0%} of {run.pruned_from}" if run.pruned_from else run.model,
            str(run.state),
            "–" if run.best_ap is None else f"{run.best_ap:.3f}",
            f"{run.seconds:,.0f} s",
        ]
        for run in runs
    ]
    if rows:
        say("\n" + table(rows, head=["run", "model", "state", "best AP", "time"]))
    return 0


def _say_counts(title: str, counts: Mapping[Any, int]) -> None:
    rows: Sequence[Sequence[str]] = [[str(name), f"{count:,}"] for name, count in counts.items()]
    if rows:
        say("\n" + table(rows, head=[title, ""]))


def _split_order(name: str) -> int:
    return SPLITS.index(name) if name in SPLITS else len(SPLITS)
