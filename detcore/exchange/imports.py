"""A dataset taken into a project."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from detcore.errors import FormatError, ProjectError, UnfinishedImportError
from detcore.exchange.admission import ImportOptions, admitted
from detcore.exchange.class_mapping import with_classes
from detcore.exchange.conflicts import find_conflicts, settled
from detcore.exchange.formats import AUTO, EXTRA_SETTING, format_named, format_of
from detcore.exchange.same_images import at_known_paths
from detcore.exchange.scaling import scaled
from detcore.formats import Recognised, recognise
from detcore.formats.base import (
    Dataset,
    DatasetBox,
    DatasetClass,
    DatasetImage,
    Problem,
    Progress,
    count_images,
    no_progress,
)
from detcore.formats.box_columns import BoxRows
from detcore.formats.spec import FormatSpec
from detcore.project import box_rows, edits, image_paths
from detcore.project.imports import Imported
from detcore.project.incoming import IncomingBoxes, IncomingImage
from detcore.project.operations import operation
from detcore.project.palette import next_color
from detcore.project.project import Project
from detcore.project.reading import ProjectReader
from detcore.project.values import encode_extra
from detcore.types import Changes, ObjectClass, Status
from detcore.wording import counted

_CROWD = 1 << box_rows.FLAGS.index("crowd")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did.

    ``images`` and ``boxes`` were added; ``matched`` images were in the project before, of which
    ``unchanged`` had all the boxes already; ``boxed`` images got the boxes. ``classes`` are the names that are new, ``splits`` counts the
    images of the dataset by split, ``""`` for none. ``changes`` tells views what to refresh.
    """

    images: int
    boxes: int
    matched: int
    unchanged: int
    boxed: int
    classes: tuple[str, ...]
    splits: dict[str, int]
    problems: tuple[Problem, ...]
    changes: Changes
    notes: tuple[str, ...] = ()


def import_dataset(
    project: Project,
    format_name: str,
    source: Path,
    *,
    images: Path | None = None,
    options: ImportOptions | None = None,
    progress: Progress = no_progress,
) -> ImportReport:
    """Take a dataset of a format, or of that which it is recognised as (``auto``), into a project as one undoable
    edit. Its files are only read.

    Classes are matched by name, images by path. Boxes that an image has already are not added again, so
    importing twice changes nothing. An image that its source calls verified, or whose annotation lists no
    object, becomes verified; one with other annotations is in progress; one without stays unseen.
    What the dataset says of its whole (COCO's ``info`` and ``licenses``) becomes a setting of the project, by
    the same edit. Images that do not lie beside the labels are looked for in the folder ``images``, by
    default where the project has its own. No image comes in whose file is not there, unless ``options`` ask
    for it.

    Raises:
        ConfigError: there is no such format.
        FormatError: there is no dataset of that format, or none of its images is there, or in ``images``.
        OutsideImagesError: images lie outside of the dataset, ``images`` and the project's own folder, and
            ``options`` do not allow that.
        ProjectError: the project cannot be written.
        Cancelled: ``progress`` returned ``False``; nothing was changed.
    """
    own = None if options is None else options.own
    found = read_dataset(format_name, source, images=images, project=project, own=own, progress=progress)
    admitted_part = admit(found, options, project=project, progress=progress)
    return import_found(project, admitted_part, progress=progress)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDataset:
    """A dataset of the ``format`` as it was read from ``source``, and what was odd about it. ``images`` is the folder
    that was named for its images, ``looks`` what it was recognised as, where it was. ``replaced`` are the ids of boxes of
    the project that go for those that come."""

    source: Path
    format: FormatSpec
    dataset: Dataset
    problems: tuple[Problem, ...]
    images: Path | None = None
    looks: Recognised | None = None
    notes: tuple[str, ...] = ()
    replaced: tuple[int, ...] = ()


def find_dataset(
    format_name: str,
    source: Path,
    *,
    images: Path | None = None,
    options: ImportOptions | None = None,
    progress: Progress = no_progress,
) -> FoundDataset:
    """Read a dataset before there is a project for it; the folder ``images`` is searched for images as well.

    Raises: see :func:`import_dataset`.
    """
    own = None if options is None else options.own
    return admit(read_dataset(format_name, source, images=images, own=own, progress=progress), options)


def read_dataset(
    format_name: str,
    source: Path,
    *,
    images: Path | None = None,
    project: Project | None = None,
    own: Any = None,
    progress: Progress = no_progress,
) -> FoundDataset:
    """All that a dataset holds, before it is decided what of it comes in; the ``project`` is only looked into for
    where its images are. ``own`` are the options of the format for reading, ``None`` its defaults.

    Raises:
        ConfigError: there is no such format.
        FormatError: there is no dataset of that format, or none of its images is in ``images``.
        Cancelled: ``progress`` returned ``False``.
    """
    if images is not None:
        return _read_with(images, format_name, source, own, progress)
    root = project.image_root if project is not None and project.image_root.is_dir() else None
    return _read(format_name, source, own, image_folder=root, progress=progress)


def admit(
    found: FoundDataset,
    options: ImportOptions | None = None,
    *,
    project: Project | None = None,
    progress: Progress = no_progress,
) -> FoundDataset:
    """What of a dataset comes in, by the ``options``: into the ``project``, or into a new one.

    Raises:
        FormatError: none of its images is there, or something is odd and ``options`` are strict.
        ConfigError: ``options`` have another name for a class that it does not have.
        Cancelled: ``progress`` returned ``False``.
        OutsideImagesError: images lie outside, and ``options`` do not allow it.
    """
    options = options or ImportOptions()
    if not found.dataset.images:
        reason = f" ({found.problems[0]})" if found.problems else ""
        raise FormatError(f"nothing here can be taken in{reason}", path=found.source)
    dataset, same = found.dataset, 0
    if options.same_content and project is not None:
        dataset, same = at_known_paths(dataset, project, progress=progress)
    dataset, left_out = admitted(
        dataset,
        options,
        source=found.source,
        named=named_folders(found, project),
        is_known=known_to(project),
    )
    if options.classes:
        dataset = with_classes(dataset, options.classes, source=found.source)
    problems = [*left_out, *found.problems]
    replaced: tuple[int, ...] = ()
    if project is not None:
        conflicts = find_conflicts(dataset, project)
        problems += [conflict.problem(options.settle) for conflict in conflicts]
        dataset, replaced = settled(dataset, conflicts, options.settle)
    if options.strict and problems:
        more = f", and {counted(len(problems) - 1, 'more problem')}" if len(problems) > 1 else ""
        raise FormatError(
            f"nothing was imported, since something is odd: {problems[0]}{more}",
            path=found.source,
            hint="`inspect` lists all; without --strict the rest is imported",
        )
    notes = [*found.notes]
    if same:
        notes.append(f"{counted(same, 'image')} in the project under another path: taken for that one.")
    if dataset.drawn:
        images = counted(len(dataset.drawn), "image")
        if options.scale:
            dataset = scaled(dataset)
            notes.append(f"{images} of another size than when they were labelled: their boxes were scaled.")
        else:
            notes.append(
                f"{images} of another size than when they were labelled: their boxes lie at the same pixels. "
                "Import them with --scale, or a tick in the window, to have the boxes scaled."
            )
    return replace(found, dataset=dataset, problems=tuple(problems), notes=tuple(notes), replaced=replaced)


def named_folders(found: FoundDataset, project: Project | None) -> list[Path]:
    """The folders that the user chose for images."""
    named = [] if found.images is None else [found.images]
    return named if project is None else [project.image_root, *named]


def known_to(project: Project | None) -> Callable[[Path], bool]:
    """Whether a project has an image already; none has any."""
    if project is None:
        return lambda path: False
    known = project.image_ids_by_path()
    return lambda path: project.stored_path(path) in known


def _read_with(images: Path, format_name: str, source: Path, own: Any, progress: Progress) -> FoundDataset:
    if not images.is_dir():
        raise FormatError(
            "the folder of images is not there", path=images, hint="Name the folder that holds them"
        )
    folder = Path(os.path.abspath(images))
    found = _read(format_name, source, own, image_folder=folder, progress=progress)
    if found.dataset.inside is None and not any(
        _is_below(image.path, folder) for image in found.dataset.images
    ):
        raise FormatError(
            "no image that the labels name is in this folder",
            path=images,
            hint="Name the folder that holds them, or none when they lie beside the labels",
        )
    return replace(found, images=images)


def _is_below(path: Path, folder: Path) -> bool:
    return Path(os.path.abspath(path)).is_relative_to(folder) and path.is_file()


def _read(
    format_name: str, source: Path, own: Any, *, image_folder: Path | None, progress: Progress
) -> FoundDataset:
    looks = recognise(source) if format_name == AUTO else None
    chosen = format_named(format_name) if looks is None else format_of(source, looks)
    try:
        dataset, problems = chosen.read(
            source.absolute(), image_folder=image_folder, progress=progress, options=own
        )
    except FormatError as error:
        hint = error.hint or _what_else(looks or recognise(source), chosen)
        raise FormatError(error.message, path=error.path, line=error.line, hint=hint) from error
    return FoundDataset(
        source=source, format=chosen, dataset=dataset, problems=_each_once(problems), looks=looks
    )


def _each_once(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems, without those of a line that was read for two splits."""
    met: set[Problem] = set()
    kept: list[Problem] = []
    for problem in problems:
        if problem.line is None or problem not in met:
            met.add(problem)
            kept.append(problem)
    return tuple(kept)


def _what_else(looks: Recognised, tried: FormatSpec) -> str | None:
    """What to try where something is not of a format that was ``tried``."""
    others = [(spec, found) for spec, found in looks.like if spec is not tried]
    if others:
        spec, found = others[0]
        return f"This looks like {spec.full_title}: {found.why}. Choose that format ({spec.name})"
    return None if looks.like or looks.stranger is None else str(looks)


def import_found(project: Project, found: FoundDataset, *, progress: Progress = no_progress) -> ImportReport:
    """The part of ``import_dataset`` that changes the project, and first takes images out of other files if the dataset
    was read so.

    Raises:
        FormatError: an image cannot be taken out.
        ProjectError: the project cannot be written.
        UnfinishedImportError: it could not go on once it had begun; the rest follows at the next opening.
        Cancelled: ``progress`` returned ``False``; nothing was changed.
    """
    entering, inside = _Entering(project, found), found.dataset.inside
    if inside is not None:
        inside.write({image.path for image in found.dataset.images}, progress)
    try:
        imported = project.bring_in(
            entering.images(),
            len(found.dataset.images),
            entering.decide,
            text=_operation(found),
            progress=progress,
        )
    except UnfinishedImportError:
        raise
    except BaseException:
        if inside is not None:
            inside.undo()
        raise
    return entering.report(imported)


def _operation(found: FoundDataset) -> str:
    return operation("import_dataset", name=found.source.name)


class _Entering:
    """A dataset on its way into a project: in the project's terms, and what is to be told of it."""

    def __init__(self, project: Project, found: FoundDataset) -> None:
        self._project = project
        self._dataset = found.dataset
        self._text = _operation(found)
        self._problems = list(found.problems)
        self._found_notes = found.notes
        self._replaced = found.replaced
        self._new_classes: tuple[str, ...] = ()

    def images(self) -> Iterator[IncomingImage]:
        """Those that can be in a project, each once."""
        met: set[str] = set()
        for image in self._dataset.images:
            path = self._stored_path(image, met)
            if path is not None:
                yield IncomingImage(
                    path=path,
                    width=image.width,
                    height=image.height,
                    status=_status(image),
                    split=image.split,
                    extra=encode_extra(image.extra),
                    boxes=_incoming(image.boxes),
                )

    def decide(self, project: ProjectReader) -> tuple[edits.Edit, list[int]]:
        """The edit of classes and settings, and the class of each label."""
        class_ids, fresh, changes = match_classes(project, self._dataset.classes)
        self._new_classes = tuple(item.name for item in fresh)
        changes.append(edits.add_rows(project, text=self._text, classes=fresh))
        if self._replaced:
            changes.append(edits.delete_boxes(project, self._replaced))
        if self._dataset.extra:
            changes.append(_keep_extra(project, self._dataset.extra, text=self._text))
        return edits.combine(self._text, changes), class_ids

    def report(self, imported: Imported) -> ImportReport:
        merged, root = imported.merged, self._project.image_root
        notes = [*self._found_notes]
        if merged.unchanged:
            images = counted(merged.unchanged, "image")
            notes.append(f"{images} had the same boxes already: nothing added to them.")
        places = image_paths.locate(root, [path for path, _ in merged.problems])
        odd = [
            Problem(path=Path(place), message=message)
            for place, (_, message) in zip(places, merged.problems, strict=True)
        ]
        return ImportReport(
            images=merged.images,
            boxes=merged.boxes,
            matched=merged.matched,
            unchanged=merged.unchanged,
            boxed=merged.boxed,
            classes=self._new_classes,
            splits=count_images(self._dataset.images),
            problems=(*self._problems, *odd),
            changes=imported.changes,
            notes=tuple(notes),
        )

    def _stored_path(self, image: DatasetImage, met: set[str]) -> str | None:
        path = self._project.stored_path(image.path)
        if path in met:
            message = "the same image under another name: left out"
            self._problems.append(Problem(path=image.path, message=message))
            return None
        met.add(path)
        try:
            image_paths.check_path(path)
        except ProjectError as error:
            name = str(image.path).encode("utf-8", "backslashreplace").decode()
            self._problems.append(Problem(path=Path(name), message=f"{error.message}: left out"))
            return None
        return path


def _incoming(boxes: Sequence[DatasetBox]) -> IncomingBoxes:
    if isinstance(boxes, BoxRows):
        columns, rows = boxes.columns, slice(boxes.start, boxes.stop)
        return IncomingBoxes(
            labels=columns.labels[rows],
            edges=columns.edges[rows],
            flags=[_CROWD * flag for flag in columns.crowd[rows]],
            extras=columns.extras[rows],
        )
    return IncomingBoxes.of(
        [
            (
                box.label,
                box.xyxy,
                (box.difficult, box.truncated, box.occluded, box.crowd),
                encode_extra(box.extra),
            )
            for box in boxes
        ]
    )


def _keep_extra(project: ProjectReader, extra: Mapping[str, Any], *, text: str) -> edits.Edit:
    """What the dataset says of its whole becomes known; what was known before stays."""
    kept: dict[str, Any] = dict(project.get_setting(EXTRA_SETTING, {}))
    for name, fields in extra.items():
        kept[name] = {**fields, **kept.get(name, {})}
    return edits.change_setting(project, EXTRA_SETTING, kept, text=text)


def _status(image: DatasetImage) -> Status:
    if not image.labelled:
        return Status.UNSEEN
    return Status.VERIFIED if image.verified else Status.IN_PROGRESS


def match_classes(
    project: ProjectReader, classes: Sequence[DatasetClass]
) -> tuple[list[int], list[ObjectClass], list[edits.Edit]]:
    """The class id of each class of the dataset, the classes to add, and edits of those that learn
    something."""
    present = {item.name: item for item in project.classes()}
    used_colors = [item.color for item in present.values()]
    free_keys = iter([key for key in range(1, 10) if key not in {item.key for item in present.values()}])
    position = max((item.position for item in present.values()), default=-1) + 1
    ids: list[int] = []
    fresh: list[ObjectClass] = []
    updates: list[edits.Edit] = []
    for item in classes:
        old = present.get(item.name)
        if old is None:
            color = next_color(used_colors)
            used_colors.append(color)
            old = ObjectClass(
                id=project.new_ids("class")[0],
                name=item.name,
                color=color,
                key=next(free_keys, None),
                position=position + len(fresh),
                source_id=item.source_id,
                extra=item.extra,
            )
            fresh.append(old)
        elif any(key not in old.extra for key in item.extra):
            updates.append(edits.update_class(project, replace(old, extra={**item.extra, **old.extra})))
        ids.append(old.id)
    return ids, fresh, updates
