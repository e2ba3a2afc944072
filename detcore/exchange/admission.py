"""Which images of a dataset may come into a project: those that are there, from the folders that were named."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from detcore.errors import FormatError, OutsideImagesError
from detcore.exchange.class_mapping import ClassMapping
from detcore.exchange.conflicts import Settle
from detcore.formats.base import Dataset, Problem
from detcore.wording import counted

_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """What an import takes in only when asked, and how it reads.

    ``missing``: images whose files are not there, for labels that come before their images. ``outside``: images
    outside of the dataset's folder, the folder of images that was named and that of the project. ``scale``: boxes that
    were drawn on images of another size are scaled to the files, instead of lying at the same pixels. ``strict``:
    nothing comes in where anything is odd. ``classes`` are other names for classes of the dataset.
    ``same_content``: an image that the project has, byte for byte, under another path is that image.
    ``settle`` says which box stays where dataset and project have different ones of an object. ``own`` are the options of the format for reading, ``None`` its defaults.
    """

    missing: bool = False
    outside: bool = False
    own: Any = None
    scale: bool = False
    strict: bool = False
    same_content: bool = False
    settle: Settle = Settle.BOTH
    classes: ClassMapping = field(default_factory=dict[str, "str | None"])


def admitted(
    dataset: Dataset,
    options: ImportOptions,
    *,
    source: Path,
    named: Iterable[Path] = (),
    is_known: Callable[[Path], bool] = lambda path: False,
) -> tuple[Dataset, list[Problem]]:
    """The dataset with the images that may come in, and what is to be said of the others.

    ``named`` are folders that the user chose. What ``is_known`` is in the project already and may always have
    labels.

    Raises:
        OutsideImagesError: images lie outside, and ``options`` do not allow it.
        FormatError: none of the images is there.
    """
    images = dataset.images
    missing = (
        [] if options.missing else [image for image in images if image.missing and not is_known(image.path)]
    )
    if missing and len(missing) == len(images):
        more = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
        raise FormatError(
            f"no image that the labels name is there: {missing[0].name}{more}",
            path=source,
            hint=dataset.hint or "Name the folder that holds them, or ask for missing images as well",
        )
    if not options.outside:
        refuse_outside(
            outside_of(dataset, named, is_known),
            of="the dataset",
            path=source,
            hint="Give --allow-outside if they are meant",
        )
    if not missing:
        return dataset, []
    boxes = sum(len(image.boxes) for image in missing)
    message = f"{counted(len(missing), 'image')} not there: left out with {counted(boxes, 'box', 'boxes')}"
    message += f". {dataset.hint}" if dataset.hint else ""
    left_out = {image.path for image in missing}
    kept = [image for image in images if image.path not in left_out]
    return replace(dataset, images=kept), [Problem(path=source, message=message)]


def outside_of(
    dataset: Dataset, named: Iterable[Path] = (), is_known: Callable[[Path], bool] = lambda path: False
) -> Counter[Path]:
    """How many images lie outside of the dataset's folders and those that the user ``named``, by their folder."""
    images = dataset.images
    inside = [Path(os.path.abspath(folder)) for folder in (*dataset.folders, *named)]
    # By folder, of which there are few.
    outside = {
        parent
        for parent in {os.path.dirname(image.path) for image in images}
        if not any(Path(os.path.abspath(parent)).is_relative_to(folder) for folder in inside)
    }
    return Counter(
        image.path.parent
        for image in images
        if outside
        and os.path.dirname(image.path) in outside
        and not image.missing
        and not is_known(image.path)
    )


def refuse_outside(counts: Counter[Path], *, of: str, path: Path, hint: str) -> None:
    """Refuse images that lie outside ``of`` something at ``path``; ``counts`` are of their folders.

    Raises:
        OutsideImagesError: there are some.
    """
    if not counts:
        return
    shown = ", ".join(f"{folder} ({number:,})" for folder, number in counts.most_common(_SHOWN))
    more = len(counts) - _SHOWN
    raise OutsideImagesError(
        f"{counted(counts.total(), 'image')} outside of {of}: {shown}"
        + (f" and {counted(more, 'folder')} more" if more > 0 else ""),
        path=path,
        hint=hint,
        folders=dict(counts),
    )
