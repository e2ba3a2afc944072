"""Commands about the files of images: sizes, locate."""

from __future__ import annotations

import argparse

from detcore.cli.console import progress_bar, say, table
from detcore.project.file_checks import find_new_sizes
from detcore.project.locating import find_images_below, use_located
from detcore.project.new_sizes import keep_boxes, scale_boxes
from detcore.project.project import Project
from detcore.wording import counted


def sizes(options: argparse.Namespace) -> int:
    """List images whose files have another size than their boxes were drawn at, and mend them when asked to."""
    mend = options.scale or options.keep
    with Project.open(options.project, read_only=not mend) as project:
        with progress_bar("looking at files", "image") as progress:
            found = find_new_sizes(project, progress=progress)
        rows = [
            [image.path, f"{image.width}×{image.height}", f"{width}×{height}"]
            for image in project.images(list(found))
            for width, height in [found[image.id]]
        ]
        if mend and found:
            project.edit(scale_boxes if options.scale else keep_boxes, found)
    if rows:
        say(table(rows, head=["image", "labelled at", "is now"]))
    done = (
        "boxes scaled"
        if options.scale
        else "boxes kept"
        if options.keep
        else "give --scale or --keep to mend them"
    )
    say(
        f"{counted(len(rows), 'image')} of another size now than when labelled"
        + (f"; {done}" if rows else "")
    )
    return 0


def locate(options: argparse.Namespace) -> int:
    """Let a project find its images in another folder."""
    with (
        Project.open(options.project) as project,
        progress_bar("looking for images", "image") as progress,
    ):
        located = find_images_below(project, options.folder, progress=progress)
        use_located(project, located)
    say(f"{located.found:,} of {counted(located.total, 'image')} found; they are read from {located.root}")
    if located.ambiguous:
        say(
            f"{located.ambiguous:,} of the missing ones have several files of their name there; none was chosen"
        )
    return 0
