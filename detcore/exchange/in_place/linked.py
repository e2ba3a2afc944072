"""A project linked with a folder of label files: each edit goes into its file at once, what others changed is taken or
refused, and neither side is ever lost."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from detcore.atomic import atomic_write
from detcore.boxes import fit
from detcore.errors import ConfigError, FormatError, ReticleError, disk_error
from detcore.exchange.formats import format_named
from detcore.exchange.in_place.differences import Difference, Followed, follow
from detcore.exchange.in_place.record import FILE, Agreed, Held, Record
from detcore.formats.base import Problem
from detcore.formats.in_place import FileBox, FileLabels, LabelFiles, Page, Wanted, check_numbers
from detcore.project import edits
from detcore.project.class_edits import new_classes
from detcore.project.operations import operation
from detcore.project.project import Project
from detcore.project.reading import ProjectReader, images_with_box
from detcore.types import Box, Changes, Image, Origin, Status
from detcore.wording import counted

REFUSED = "refused"
"""The folder of a project that keeps the files of others whose changes were refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideChange:
    """What another program made of a label file since project and file agreed. ``problem`` says why it cannot be read;
    then it can only be refused, or mended there. ``removed``: the file is gone. ``differences`` are between the file
    as it was and as it is, ``own`` between the project as it was and as it is. ``image`` is the image's file, ``size``
    its width and height."""

    image_id: int
    path: Path
    image: Path
    size: tuple[int, int]
    differences: tuple[Difference, ...] = ()
    own: tuple[Difference, ...] = ()
    verified: bool | None = None
    removed: bool = False
    problem: ReticleError | None = None

    @property
    def text(self) -> str:
        """What happened to the file, in words."""
        if self.problem is not None:
            return f"cannot be read ({self.problem.message})"
        added = sum(one.before is None for one in self.differences)
        removed = sum(one.after is None for one in self.differences)
        moved = len(self.differences) - added - removed
        counts = ((added, "added"), (removed, "removed"), (moved, "changed"))
        parts = [f"{counted(count, 'box', 'boxes')} {word}" for count, word in counts if count]
        if self.verified is not None:
            parts.append("verified" if self.verified else "not verified any more")
        if self.removed:
            parts.append("the file is gone")
        return ", ".join(parts) or "no box changed"


class LinkedFolder:
    """A project and the label files of its images.

    To be used by who has the project open for writing. Images whose label file holds something else than the project
    when they are linked are left out: their files are never touched.
    """

    def __init__(self, project: Project, record: Record, files: LabelFiles) -> None:
        self._project = project
        self._record = record
        self._files = files
        self._looked: dict[int, tuple[int, int] | None] = {}

    @classmethod
    def link(cls, project: Project, format_name: str, folder: Path) -> tuple[LinkedFolder, list[Problem]]:
        """Link a project with the folder that it was imported from. The problems name the images that are left out.

        Raises:
            ConfigError: files of this format are not edited in their place.
            FormatError: the folder cannot be used.
        """
        spec = format_named(format_name)
        if spec.open is None:
            raise ConfigError(
                f"{spec.title} is not edited in its place", hint="Import the folder, and export it again"
            )
        folder = folder.absolute()
        linked = cls(project, Record(project.folder / FILE), spec.open(folder))
        agreements: list[Agreed] = []
        problems: list[Problem] = []
        for image in project.images():
            try:
                agreements.append(linked._first_agreement(image))
            except ReticleError as error:
                path = Path(error.path or project.image_path(image))
                problems.append(Problem(path=path, message=f"{error.message}: not edited in its place"))
        linked._record.begin(format_name, folder, linked._files.names, agreements)
        return linked, problems

    @classmethod
    def open(cls, project: Project) -> LinkedFolder | None:
        """The link of a project; ``None`` where it has none.

        Raises:
            FormatError: the folder cannot be used (any more).
        """
        if not (project.folder / FILE).is_file():
            return None
        record = Record(project.folder / FILE)
        link = record.link
        spec = format_named(link[0]) if link is not None else None
        if link is None or spec is None or spec.open is None:
            record.close()
            return None
        try:
            files = spec.open(link[1])
            check_numbers(record.names, files.names, link[1])
        except ReticleError:
            record.close()
            raise
        return cls(project, record, files)

    def close(self) -> None:
        self._record.close()

    def write_changes(self, changes: Changes) -> list[Problem]:
        """Put what an edit changed into the label files. The problems are those of files that could not be written; they
        are written by the next edit of their image, or by ``catch_up``."""
        image_ids = set(changes.images) | set(changes.box_images)
        for class_id in changes.classes:
            image_ids.update(images_with_box(self._project, class_id=class_id).tolist())
        return self.write(image_ids)

    def catch_up(self) -> list[Problem]:
        """Write what was edited while nobody wrote the files, after a crash for one."""
        return self.write(one.image_id for one in self._record.all())

    def write(self, image_ids: Iterable[int]) -> list[Problem]:
        """Put the labels of these images into their files; see ``write_changes``."""
        problems: list[Problem] = []
        for image_id in sorted(image_ids):
            agreed = self._record.of(image_id)
            image = self._image(image_id)
            if agreed is None or image is None:
                continue
            try:
                self._write(agreed, image)
            except ReticleError as error:
                problems.append(Problem(path=Path(error.path or agreed.path), message=error.message))
            except OSError as error:
                problems.append(Problem(path=agreed.path, message=disk_error(error).message))
        return problems

    def look(self) -> list[OutsideChange]:
        """What others have changed in the files since; files are read whose size or time is another than at the last
        look."""
        found: list[OutsideChange] = []
        for agreed in self._record.all():
            stamp = _stamp(agreed.path)
            if agreed.image_id in self._looked and self._looked[agreed.image_id] == stamp:
                continue
            image = self._image(agreed.image_id)
            if image is None:
                continue
            content = _content(agreed.path)
            if content == agreed.content or self._is_own(agreed, image, content):
                self._looked[agreed.image_id] = stamp
            else:
                found.append(self._outside(agreed, image, content))
        return found

    def take(self, image_ids: Sequence[int]) -> Changes:
        """Let what others changed into the project, as one edit; what was changed in the project stays, but for a box
        that both have changed, which becomes theirs (undo gives the other back), and one that one side removed and
        the other changed, which stays. Then the files get what the project alone has changed.

        Raises:
            FormatError: a file cannot be read.
            ProjectError: the project cannot be written.
        """
        takings = [taking for image_id in image_ids if (taking := self._taking(image_id)) is not None]
        names = {box.name for taking in takings for box in taking.theirs.boxes if box is not None}
        changes = self._project.edit(_taken, takings, sorted(names), self._files.holds.flags)
        self._record.put(self._after_taking(taking) for taking in takings)
        self.write(taking.agreed.image_id for taking in takings)
        return changes

    def refuse(self, image_ids: Sequence[int]) -> list[Path]:
        """Write the files as the project has them. Those of others are kept in the project's folder ``refused``; returns
        where.

        Raises:
            FormatError, OSError: a file cannot be written.
        """
        kept: list[Path] = []
        for image_id in image_ids:
            agreed, image = self._record.of(image_id), self._image(image_id)
            if agreed is None or image is None:
                continue
            content = _content(agreed.path)
            if content is not None and content != agreed.content:
                kept.append(self._keep(agreed, content))
            if agreed.content is None:
                agreed.path.unlink(missing_ok=True)
            else:
                _replace(agreed.path, agreed.content, expected=content)
            self._write(agreed, image)
        return kept

    def _keep(self, agreed: Agreed, content: bytes) -> Path:
        folder = self._project.folder / REFUSED
        folder.mkdir(exist_ok=True)
        path = folder / f"{time.time_ns()}-{agreed.path.name}"
        with atomic_write(path) as temporary:
            temporary.write_bytes(content)
        return path

    def _image(self, image_id: int) -> Image | None:
        found = self._project.images([image_id])
        return found[0] if found else None

    def _page(self, image: Image, file: Path) -> Page:
        path = self._project.image_path(image)
        if image.width is None or image.height is None:
            raise FormatError("the size of the image is not known", path=path)
        return Page(file=file, image=path, width=image.width, height=image.height)

    def _own_boxes(self, image: Image) -> dict[int, FileBox]:
        """The boxes of the project as the files can say them, by id."""
        names = {item.id: item.name for item in self._project.classes()}
        held = self._files.holds.flags
        return {
            box.id: FileBox(
                name=names[box.class_id],
                x1=box.x1,
                y1=box.y1,
                x2=box.x2,
                y2=box.y2,
                **{flag: bool(getattr(box, flag)) for flag in held},
            )
            for box in self._project.boxes(image.id)
        }

    def _read(self, content: bytes | None, page: Page) -> FileLabels:
        return FileLabels() if content is None else self._files.read(content, page)

    def _first_agreement(self, image: Image) -> Agreed:
        path = self._files.path_of(self._project.image_path(image))
        page = self._page(image, path)
        content = _content(path)
        labels = self._read(content, page)
        own = self._own_boxes(image)
        held: list[Held | None] = []
        met: set[FileBox] = set()
        for box in labels.boxes:
            fitted = None if box is None else _fitted(box, page)
            box_id = next(
                (key for key, mine in own.items() if fitted is not None and _is_same(mine, fitted)), 0
            )
            if fitted is not None and not box_id and fitted not in met:
                raise FormatError("the file holds other boxes than the project", path=path)
            held.append(Held(box_id=box_id, box=own.pop(box_id)) if box_id else None)
            met.update([fitted] if fitted is not None else [])
        if own:
            raise FormatError("the project has other boxes than the file", path=path)
        verified = image.status is Status.VERIFIED
        return Agreed(image_id=image.id, path=path, content=content, verified=verified, boxes=tuple(held))

    def _wanted(self, agreed: Agreed, image: Image) -> tuple[Wanted, Agreed]:
        """What the project has changed since, and the agreement once the file has it, but for its content."""
        own = self._own_boxes(image)
        changed: dict[int, FileBox | None] = {}
        held: list[Held | None] = []
        for place, one in enumerate(agreed.boxes):
            if one is None:
                held.append(None)
                continue
            now = own.pop(one.box_id, None)
            if now is None:
                changed[place] = None
                continue
            if now != one.box:
                changed[place] = now
            held.append(Held(box_id=one.box_id, box=now))
        held += [Held(box_id=box_id, box=box) for box_id, box in sorted(own.items())]
        verified = image.status is Status.VERIFIED
        tells = self._files.holds.verified or agreed.content is None
        wanted = Wanted(
            changed=changed,
            added=[box for _, box in sorted(own.items())],
            verified=verified if tells and verified != agreed.verified else None,
        )
        return wanted, replace(agreed, verified=verified, boxes=tuple(held))

    def _edited(self, agreed: Agreed, image: Image, wanted: Wanted) -> bytes | None:
        if not wanted or (agreed.content is None and not wanted.added and not wanted.verified):
            return agreed.content
        return self._files.edited(agreed.content, self._page(image, agreed.path), wanted)

    def _write(self, agreed: Agreed, image: Image) -> None:
        wanted, after = self._wanted(agreed, image)
        if not wanted:
            return
        changed = [box for box in wanted.changed.values() if box is not None]
        self._files.prepare([box.name for box in (*changed, *wanted.added)])
        if self._files.names != self._record.names:
            self._record.names = self._files.names
        data = self._edited(agreed, image, wanted)
        if data is None:
            return
        if len(self._files.read(data, self._page(image, agreed.path)).boxes) != len(after.boxes):
            raise FormatError(
                "the changed file would read otherwise than meant: not written", path=agreed.path
            )
        content = _content(agreed.path)
        if content != data:
            _replace(agreed.path, data, expected=agreed.content)
        self._record.put([replace(after, content=data)])
        self._looked[agreed.image_id] = _stamp(agreed.path)

    def _is_own(self, agreed: Agreed, image: Image, content: bytes | None) -> bool:
        """Whether a file is as the project has it, though no agreement says so: the process died in between."""
        if content is None:
            return False
        try:
            wanted, after = self._wanted(agreed, image)
            if wanted and self._edited(agreed, image, wanted) == content:
                self._record.put([replace(after, content=content)])
                return True
            anew = self._first_agreement(image)
        except ReticleError:
            return False
        self._record.put([anew])
        return True

    def _outside(self, agreed: Agreed, image: Image, content: bytes | None) -> OutsideChange:
        now_own = self._own_boxes(image)
        own = tuple(
            Difference(place=place, before=one.box, after=now_own.get(one.box_id))
            for place, one in enumerate(agreed.boxes)
            if one is not None and now_own.get(one.box_id) != one.box
        )
        page = self._page(image, agreed.path)
        try:
            was, now = self._read(agreed.content, page), self._read(content, page)
        except ReticleError as error:
            return _outside_change(agreed, page, own=own, problem=error)
        return _outside_change(
            agreed,
            page,
            differences=follow(was.boxes, now.boxes).differences,
            own=own,
            verified=now.verified if now.verified != was.verified else None,
            removed=content is None,
        )

    def _taking(self, image_id: int) -> _Taking | None:
        agreed, image = self._record.of(image_id), self._image(image_id)
        if agreed is None or image is None:
            return None
        content = _content(agreed.path)
        page = self._page(image, agreed.path)
        was, theirs = self._read(agreed.content, page), self._read(content, page)
        return _Taking(
            agreed=agreed,
            image=image,
            page=page,
            content=content,
            was=was,
            theirs=theirs,
            followed=follow(was.boxes, theirs.boxes),
            own=self._own_boxes(image),
            holds_verified=self._files.holds.verified,
        )

    def _after_taking(self, taking: _Taking) -> Agreed:
        image = self._project.image(taking.agreed.image_id)
        own = self._own_boxes(image)
        fresh = iter(sorted(set(own) - set(taking.own)))
        boxes: list[Held | None] = []
        for row, place in enumerate(taking.followed.places):
            box_id = taking.box_of(row)
            if taking.is_added(row):
                new = next(fresh)
                boxes.append(Held(box_id=new, box=own[new]))
            elif box_id is None:
                boxes.append(None)
            elif taking.is_changed(row):
                boxes.append(Held(box_id=box_id, box=own[box_id]))
            else:
                boxes.append(taking.agreed.boxes[place] if place is not None else None)
        verified = image.status is Status.VERIFIED
        if taking.verified is None:
            verified = taking.agreed.verified
        return replace(taking.agreed, content=taking.content, verified=verified, boxes=tuple(boxes))


def _outside_change(agreed: Agreed, page: Page, **found: Any) -> OutsideChange:
    size = (page.width, page.height)
    return OutsideChange(image_id=agreed.image_id, path=agreed.path, image=page.image, size=size, **found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taking:
    """A file of others on its way into the project."""

    agreed: Agreed
    image: Image
    page: Page
    content: bytes | None
    was: FileLabels
    theirs: FileLabels
    followed: Followed
    own: dict[int, FileBox]
    holds_verified: bool

    def box_of(self, row: int) -> int | None:
        """The project's box of an entry of theirs, where it had one."""
        place = self.followed.places[row]
        held = None if place is None else self.agreed.boxes[place]
        return None if held is None else held.box_id

    def is_changed(self, row: int) -> bool:
        """Whether they changed a box that the project still has."""
        place = self.followed.places[row]
        return (
            place is not None
            and self.box_of(row) in self.own
            and self.was.boxes[place] != self.theirs.boxes[row]
        )

    def is_added(self, row: int) -> bool:
        """Whether they added a box, or changed one that the project has removed."""
        if self.theirs.boxes[row] is None:
            return False
        place = self.followed.places[row]
        if place is None:
            return True
        changed = self.was.boxes[place] != self.theirs.boxes[row]
        return changed and self.box_of(row) not in self.own

    @property
    def removed(self) -> list[int]:
        """The project's boxes that they removed and it has not changed."""
        left = {place for place in self.followed.places if place is not None}
        gone = [
            held for place, held in enumerate(self.agreed.boxes) if held is not None and place not in left
        ]
        return [held.box_id for held in gone if self.own.get(held.box_id) == held.box]

    @property
    def verified(self) -> bool | None:
        """What they say of it, if they changed that."""
        if not self.holds_verified or self.theirs.verified == self.was.verified:
            return None
        return self.theirs.verified


def _taken(
    project: ProjectReader, takings: Sequence[_Taking], names: Sequence[str], flags: frozenset[str]
) -> edits.Edit:
    """What others changed, as an edit; ``names`` are the classes of their boxes."""
    fresh = new_classes(project, names)
    classes = {item.name: item.id for item in (*project.classes(), *fresh)}
    added: list[Box] = []
    updated: list[Box] = []
    removed: list[int] = []
    statuses: dict[int, Status] = {}
    for taking in takings:
        boxes = {box.id: box for box in project.boxes(taking.image.id)}
        for row, theirs in enumerate(taking.theirs.boxes):
            if theirs is None or not (taking.is_added(row) or taking.is_changed(row)):
                continue
            fitted = _fitted(theirs, taking.page)
            box_id = taking.box_of(row)
            box = Box(
                id=0,
                image_id=taking.image.id,
                class_id=classes[theirs.name],
                x1=fitted.x1,
                y1=fitted.y1,
                x2=fitted.x2,
                y2=fitted.y2,
                origin=Origin.IMPORT,
            )
            if box_id is not None and not taking.is_added(row):
                box = replace(
                    boxes[box_id], class_id=box.class_id, x1=box.x1, y1=box.y1, x2=box.x2, y2=box.y2
                )
            if "difficult" in flags:
                box = replace(
                    box, difficult=theirs.difficult, truncated=theirs.truncated, occluded=theirs.occluded
                )
            (updated if box.id else added).append(box)
        removed += taking.removed
        if taking.verified is not None:
            statuses[taking.image.id] = Status.VERIFIED if taking.verified else Status.IN_PROGRESS
        elif taking.image.status is Status.UNSEEN and taking.theirs.boxes:
            statuses[taking.image.id] = Status.IN_PROGRESS
    parts: list[edits.Edit] = []
    if removed:
        parts.append(edits.delete_boxes(project, removed))
    if added or fresh:
        parts.append(edits.add_rows(project, classes=fresh, boxes=added, text=""))
    if updated:
        parts.append(edits.update_boxes(project, updated, classes=fresh))
    for status in (Status.VERIFIED, Status.IN_PROGRESS):
        images = [image_id for image_id, wanted in statuses.items() if wanted is status]
        parts += [edits.set_status(project, images, status)] if images else []
    return edits.combine(operation("take_from_files", count=len(takings)), parts)


def _fitted(box: FileBox, page: Page) -> FileBox:
    """The box as an import takes it."""
    edges, _ = fit(box.xyxy, width=page.width, height=page.height)
    if edges is None:
        raise FormatError("a box lies outside of its image", path=page.file)
    return replace(box, x1=edges[0], y1=edges[1], x2=edges[2], y2=edges[3])


def _is_same(box: FileBox, other: FileBox) -> bool:
    same = replace(box, x1=0, y1=0, x2=0, y2=0) == replace(other, x1=0, y1=0, x2=0, y2=0)
    return same and all(abs(a - b) < 1e-6 for a, b in zip(box.xyxy, other.xyxy, strict=True))


def _content(path: Path) -> bytes | None:
    """What the file holds; ``None`` where there is none.

    Raises:
        FormatError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FormatError(f"cannot be read ({error.strerror})", path=path) from error


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _replace(path: Path, data: bytes, *, expected: bytes | None) -> None:
    """Let ``data`` take the place of what a file holds, if that is still what is ``expected``.

    Raises:
        FormatError: somebody has changed it.
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)
        if _content(path) != expected:
            raise FormatError(
                "another program has changed the file: not written",
                path=path,
                hint="Take or refuse its change first",
            )
