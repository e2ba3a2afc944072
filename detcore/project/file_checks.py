"""Whether the files of images are still what was labelled."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from detcore.errors import Cancelled, ImageError
from detcore.images.decoding import check_image, read_size
from detcore.project.reading import ProjectReader

Progress = Callable[[int, int], bool]
"""Told (done, total); false ends it."""


def unfit_images(
    project: ProjectReader, image_ids: Sequence[int], *, progress: Progress | None = None
) -> dict[int, ImageError]:
    """Those of the images whose files cannot be decoded, or have another size than their boxes were drawn at,
    by id with the reason.

    Raises:
        ProjectError: one is not in the project any more.
        Cancelled: ``progress`` returned false.
    """
    unfit: dict[int, ImageError] = {}
    for done, image in enumerate(project.images(image_ids)):
        if progress is not None and not progress(done, len(image_ids)):
            raise Cancelled("cancelled")
        try:
            check_image(project.image_path(image), image.size if project.box_count(image.id) else None)
        except ImageError as error:
            unfit[image.id] = error
    return unfit


def find_new_sizes(project: ProjectReader, *, progress: Progress | None = None) -> dict[int, tuple[int, int]]:
    """The (width, height) that files have now, of the images with boxes that were drawn at another; by image
    id. Files that cannot be read are passed over.

    Raises:
        Cancelled: ``progress`` returned false.
    """
    with_boxes = set(project.ground_truth().image_ids.tolist())
    images = [image for image in project.images() if image.id in with_boxes and image.size is not None]
    found: dict[int, tuple[int, int]] = {}
    for done, image in enumerate(images):
        if progress is not None and not progress(done, len(images)):
            raise Cancelled("cancelled")
        try:
            size = read_size(project.image_path(image))
        except ImageError:
            continue
        if size != image.size:
            found[image.id] = size
    return found
