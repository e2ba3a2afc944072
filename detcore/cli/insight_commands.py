"""Commands that look through a project: next, duplicates, report."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from detcore.cli.console import complain, progress_bar, say, table, write_json
from detcore.cli.predicting import choose_images, predict_images, warn_of_known_images
from detcore.curation.duplicates import as_record, find_duplicates, leaks_by_splits
from detcore.curation.ordering import Candidate, order_unlabelled
from detcore.errors import ConfigError, ImageError
from detcore.project.project import Project
from detcore.project.runs import RunFolder, find_run, imported_from, left_out_images, predicted_images
from detcore.project.scope import SCOPE_TEXTS
from detcore.project.snapshot import Snapshot, take_snapshot
from detcore.report.write import Writer, write_report
from detcore.wording import counted

_SHOWN = 40


def next_images(options: argparse.Namespace) -> int:
    """List the unlabelled images from which the next model would learn most."""
    if len(options.run) > 2:
        raise ConfigError("--run is given more than twice", hint="Give one run, or two to compare")
    with (
        Project.open(options.project, read_only=True) as project,
        progress_bar("comparing", "image") as progress,
    ):
        runs = [find_run(project, name) for name in options.run]
        snapshot = take_snapshot(project)
        for run in runs:
            _look_at_unlabelled(run, snapshot)
        second = runs[1] if len(runs) > 1 else None
        order = order_unlabelled(project, runs[0], second=second, count=options.count, progress=progress)
    _complain_about(order.problems)
    if order.unlabelled:
        head = ["image", "worth", "uncertainty", *(["disagreement"] if second else []), "novelty"]
        say(table([_cells(item, with_second=second is not None) for item in order.candidates], head=head))
        say(
            f"{len(order.candidates):,} of {counted(order.unlabelled, 'unlabelled image')}, the most useful first"
        )
    else:
        say("every image is labelled or verified already: none is left to label next")
    if options.json is not None:
        record = [
            {
                "image": item.image.path,
                "worth": item.worth,
                "uncertainty": item.uncertainty,
                "disagreement": None if second is None else item.disagreement,
                "novelty": item.novelty,
            }
            for item in order.candidates
        ]
        write_json(options.json, record)
    return 0


def duplicates(options: argparse.Namespace) -> int:
    """List images that are nearly the same, and those that leak from one split to another."""
    with (
        Project.open(options.project, read_only=True) as project,
        progress_bar("comparing", "image") as progress,
    ):
        found = find_duplicates(project, progress=progress)
    _complain_about(found.problems)
    rows = [
        [
            pair.first.path,
            pair.second.path,
            f"{pair.correlation:.4f}",
            f"{pair.first.split} / {pair.second.split}  LEAK" if pair.leaks else pair.first.split or "–",
        ]
        for pair in found.pairs[:_SHOWN]
    ]
    if rows:
        say(table(rows, head=["image", "nearly the same", "correlation", "split"]))
    if len(found.pairs) > _SHOWN:
        say(f"… and {counted(len(found.pairs) - _SHOWN, 'more pair')}; --json FILE writes them all")
    say(f"{counted(found.images, 'image')}, {counted(len(found.pairs), 'pair')} nearly the same")
    for (one, other), count in sorted(leaks_by_splits(found.pairs).items()):
        say(
            f"{counted(count, 'pair')} in both {one} and {other}: what is learnt from one is known in the other"
        )
    if options.json is not None:
        write_json(options.json, as_record(found))
    return 0


def report(options: argparse.Namespace) -> int:
    """Write what a run does on some images as one HTML file, or as PDF."""
    kind = options.out.suffix.lower()
    if kind not in (".html", ".htm", ".pdf"):
        raise ConfigError("a report is a web page or a PDF", path=options.out, hint="Name it .html or .pdf")
    write = _pdf_writer(options.out) if kind == ".pdf" else None
    with (
        Project.open(options.project, read_only=True) as project,
        progress_bar("cutting out", "image") as progress,
    ):
        run = find_run(project, options.run)
        chosen = choose_images(project, [run], options.split)
        warn_of_known_images(project, run, chosen)
        written = write_report(
            project,
            run,
            options.out,
            image_ids=np.array(chosen.image_ids, dtype=np.int64),
            scope=SCOPE_TEXTS[chosen.scope],
            threshold=options.threshold,
            progress=progress,
            write=write,
        )
    _complain_about(written.problems)
    say(f"{written.path}: {chosen.text}, at a confidence of {written.threshold:.2f}")
    return 0


def _pdf_writer(out: Path) -> Writer:
    """That of the window.

    Raises:
        ConfigError: the window is not installed.
    """
    try:
        from app.printing.report_pdf import write_pdf_without_window
    except ImportError as error:
        raise ConfigError(
            "PDF is written by the window, which is not installed",
            path=out,
            hint="Name the file .html and print it from a browser, or install reticle[app]",
        ) from error
    return write_pdf_without_window


def _look_at_unlabelled(run: RunFolder, snapshot: Snapshot) -> None:
    """Let a run predict on the unlabelled images that it has not seen yet; one that was imported cannot."""
    labelled = {image.id for image in snapshot.labelled_images}
    unlabelled = {image.id for image in snapshot.images} - labelled
    seen = predicted_images(run) | left_out_images(run) if run.detections.is_file() else set[int]()
    if not unlabelled <= seen and imported_from(run) is None:
        predict_images(run, snapshot.only(unlabelled - seen), "all")


def _cells(item: Candidate, *, with_second: bool) -> list[str]:
    middle = [item.disagreement] if with_second else []
    figures = [item.worth, item.uncertainty, *middle, item.novelty]
    return [item.image.path, *(f"{figure:.3f}" for figure in figures)]


def _complain_about(problems: Sequence[ImageError]) -> None:
    for problem in problems:
        complain(f"left out: {problem}")
