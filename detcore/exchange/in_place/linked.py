"""A project linked with a folder of label files: each edit goes into its file at once, what others changed is taken or
refused, and neither side is ever lost."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from detcore.atomic import atomic_write, sync_folder
from detcore.errors import ConfigError, FormatError, ProjectError, ReticleError, disk_error
from detcore.exchange.formats import format_named
from detcore.exchange.in_place.differences import Difference, follow
from detcore.exchange.in_place.record import FILE, Agreed, Held, Record, State
from detcore.exchange.in_place.taking import Theirs, fitted, is_same, take_in
from detcore.formats.base import Problem
from detcore.formats.in_place import FileBox, FileLabels, LabelFiles, Page, Wanted, check_numbers
from detcore.project import edits
from detcore.project.project import Project
from detcore.project.reading import images_with_box
from detcore.types import Changes, Image, Status
from detcore.wording import counted

REFUSED, TAKEN = "refused", "taken"
"""The folders of a project that keep the files of others, as they were when their changes were refused or taken."""


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

    def __init__(self, project: Project, record: Record, files: LabelFiles, folder: Path) -> None:
        self._project = project
        self._record = record
        self._files = files
        self._folder = folder
        self._looked: dict[int, tuple[int, int] | None] = {}

    @classmethod
    def link(cls, project: Project, format_name: str, folder: Path) -> tuple[LinkedFolder, list[Problem]]:
        """Link a project with the folder that it was imported from. The problems name the images that are left out.

        Raises:
            ConfigError: files of this format are not edited in their place.
            FormatError: the folder cannot be used.
            ProjectError: the record cannot be written.
        """
        files = editor_of(format_name, folder.absolute())
        linked = cls(project, Record(project.folder / FILE), files, folder.absolute())
        images = project.images()
        paths = {image.id: files.path_of(project.image_path(image)) for image in images}
        shared = Counter(str(path).casefold() for path in paths.values())
        agreements: list[Agreed] = []
        problems: list[Problem] = []
        for image in images:
            path = paths[image.id]
            try:
                if shared[str(path).casefold()] > 1:
                    raise FormatError("the label file of several images", path=path)
                agreements.append(linked._first_agreement(image))
            except ReticleError as error:
                message = f"{error.message}: not edited in its place"
                problems.append(Problem(path=Path(error.path or path), message=message))
        linked._record.begin(format_name, linked._folder, files.names, agreements)
        return linked, problems

    @classmethod
    def open(cls, project: Project) -> LinkedFolder | None:
        """The link of a project; ``None`` where it has none.

        Raises:
            FormatError: the folder is not there, or cannot be used any more.
            ProjectError: the record cannot be read.
        """
        if not (project.folder / FILE).is_file():
            return None
        record = Record(project.folder / FILE)
        try:
            link = record.link
            if link is None:
                record.close()
                return None
            name, folder = link
            if not folder.is_dir():
                raise FormatError(
                    "the folder of the label files is not there: edits wait until it is",
                    path=folder,
                    hint="Connect it and open the project again, or link the folder where it is now",
                )
            files = editor_of(name, folder)
            check_numbers(record.names, files.names, folder)
        except ReticleError:
            record.close()
            raise
        return cls(project, record, files, folder)

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
        return self.write(self._record.paths())

    def write(self, image_ids: Iterable[int]) -> list[Problem]:
        """Put the labels of these images into their files; see ``write_changes``."""
        problems: list[Problem] = []
        for image_id in sorted(image_ids):
            if not self._folder.is_dir():
                message = "the folder of the label files is not there: written once it is"
                return [*problems, Problem(path=self._folder, message=message)]
            image = self._image(image_id)
            if image is None:
                continue
            path = self._folder
            try:
                agreed = self._record.of(image_id) or self._new_agreement(image)
                if agreed is not None:
                    path = agreed.path
                    self._write(agreed, image)
            except ReticleError as error:
                problems.append(Problem(path=Path(error.path or path), message=error.message))
            except OSError as error:
                problems.append(Problem(path=path, message=disk_error(error).message))
        return problems

    def look(self) -> list[OutsideChange]:
        """What others have changed in the files since; files are read whose size or time is another than at the last
        look. Nothing is said while the folder is not there."""
        found: list[OutsideChange] = []
        for image_id, path in self._record.paths().items() if self._folder.is_dir() else ():
            stamp = _stamp(path)
            if image_id in self._looked and self._looked[image_id] == stamp:
                continue
            agreed, image = self._record.of(image_id), self._image(image_id)
            if agreed is None or image is None:
                continue
            content = _content(path)
            if content == agreed.now.content or self._is_own(agreed, image, content):
                self._looked[image_id] = stamp
            else:
                found.append(self._outside(agreed, image, content))
        return found

    def take(self, image_ids: Sequence[int]) -> tuple[Changes, list[Problem]]:
        """Let what others changed into the project, as one edit (see ``take_in``); their files are kept in the project's
        folder ``taken``. Then the files get what the project alone has changed; the problems are those of that.

        Raises:
            FormatError: a file cannot be read.
            ProjectError: the project cannot be written.
        """
        agreements: list[Agreed] = []

        def build(project: Project) -> edits.Edit:
            agreements.clear()
            found = [
                (agreed, image)
                for image_id in image_ids
                if (agreed := self._record.of(image_id)) is not None
                and (image := self._image(image_id)) is not None
            ]
            theirs = [self._theirs(agreed, image) for agreed, image in found]
            own = {image.id: self._own_boxes(image) for _, image in found}
            edit, states = take_in(project, theirs, own, self._files.holds.flags)
            for agreed, image in found:
                state = states[image.id]
                agreements.append(replace(agreed, base=state, now=state))
            return edit

        changes = self._project.edit(build)
        for agreed in agreements:
            if agreed.now.content is not None:
                self._keep(TAKEN, agreed, agreed.now.content)
        self._record.put(agreements)
        return changes, self.write(agreed.image_id for agreed in agreements)

    def refuse(self, image_ids: Sequence[int]) -> tuple[list[Path], list[Problem]]:
        """Write the files as the project has them. Those of others are kept in the project's folder ``refused``; returns
        where, and what could not be written."""
        kept: list[Path] = []
        problems: list[Problem] = []
        for image_id in image_ids:
            agreed, image = self._record.of(image_id), self._image(image_id)
            if agreed is None or image is None:
                continue
            try:
                content = _content(agreed.path)
                if content is not None and content != agreed.now.content:
                    kept.append(self._keep(REFUSED, agreed, content))
                self._write(agreed, image, instead_of=content)
            except ReticleError as error:
                problems.append(Problem(path=Path(error.path or agreed.path), message=error.message))
            except OSError as error:
                problems.append(Problem(path=agreed.path, message=disk_error(error).message))
        return kept, problems

    def _keep(self, name: str, agreed: Agreed, content: bytes) -> Path:
        folder = self._project.folder / name
        folder.mkdir(exist_ok=True)
        path = folder / f"{time.time_ns()}-{agreed.path.name}"
        with atomic_write(path) as temporary:
            temporary.write_bytes(content)
        return path

    def _image(self, image_id: int) -> Image | None:
        try:
            return self._project.image(image_id)
        except ProjectError:  # it was taken out of the project: its file stays as it is
            return None

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
        """Of a file that says what the project has.

        Raises:
            FormatError: it does not.
        """
        path = self._files.path_of(self._project.image_path(image))
        page = self._page(image, path)
        content = _content(path)
        labels = self._read(content, page)
        own = self._own_boxes(image)
        held: list[Held | None] = []
        met: set[FileBox] = set()
        for box in labels.boxes:
            inside = None if box is None else fitted(box, page)
            box_id = next(
                (key for key, mine in own.items() if inside is not None and is_same(mine, inside)), 0
            )
            if inside is not None and not box_id and inside not in met:
                raise FormatError("the file holds other boxes than the project", path=path)
            held.append(Held(box_id=box_id, box=own.pop(box_id)) if box_id else None)
            met.update([inside] if inside is not None else [])
        if own:
            raise FormatError("the project has other boxes than the file", path=path)
        state = State(content=content, verified=image.status is Status.VERIFIED, boxes=tuple(held))
        return Agreed(image_id=image.id, path=path, base=state, now=state)

    def _new_agreement(self, image: Image) -> Agreed | None:
        """Of an image that came into the project since, and has no label file yet."""
        path = self._files.path_of(self._project.image_path(image))
        inside = self._project.image_path(image).is_relative_to(self._folder)
        if not inside or path.exists() or path in self._record.paths().values():
            return None
        return Agreed(image_id=image.id, path=path)

    def _wanted(self, agreed: Agreed, image: Image) -> tuple[Wanted, State]:
        """What the project has changed since others wrote the file, and what both agree on once the file has it, but for
        its content."""
        base = agreed.base
        own = self._own_boxes(image)
        changed: dict[int, FileBox | None] = {}
        held: list[Held | None] = []
        for place, one in enumerate(base.boxes):
            now = None if one is None else own.pop(one.box_id, None)
            if one is None:
                held.append(None)
                continue
            if now != one.box:
                changed[place] = now
            if now is not None:
                held.append(Held(box_id=one.box_id, box=now))
        added = sorted(own.items())
        held += [Held(box_id=box_id, box=box) for box_id, box in added]
        verified = image.status is Status.VERIFIED
        tells = self._files.holds.verified or base.content is None
        wanted = Wanted(
            changed=changed,
            added=[box for _, box in added],
            verified=verified if tells and verified != base.verified else None,
        )
        return wanted, State(verified=verified, boxes=tuple(held))

    def _edited(self, agreed: Agreed, image: Image, wanted: Wanted) -> bytes | None:
        base = agreed.base.content
        begins = base is not None or wanted.added or wanted.verified or agreed.now.content is not None
        if not begins:
            return None
        return (
            base
            if base is not None and not wanted
            else self._files.edited(base, self._page(image, agreed.path), wanted)
        )

    def _write(self, agreed: Agreed, image: Image, *, instead_of: bytes | None = None) -> None:
        """Bring a file to what the project has; ``instead_of`` the content that others gave it, which was refused."""
        wanted, after = self._wanted(agreed, image)
        changed = [box for box in wanted.changed.values() if box is not None]
        self._files.prepare([box.name for box in (*changed, *wanted.added)])
        if self._files.names != self._record.names:
            self._record.names = self._files.names
        data = self._edited(agreed, image, wanted)
        expected = agreed.now.content if instead_of is None else instead_of
        if data is None:
            if instead_of is not None:
                agreed.path.unlink()
            return
        if data != expected:
            read = self._files.read(data, self._page(image, agreed.path)).boxes
            meant = [None if held is None else held.box.name for held in after.boxes]
            if len(read) != len(meant) or any(
                name is not None and (box is None or box.name != name)
                for box, name in zip(read, meant, strict=True)
            ):
                message = "the changed file would read otherwise than meant: not written"
                raise FormatError(message, path=agreed.path)
            if _content(agreed.path) != data:
                _replace(agreed.path, data, expected=expected)
        now = replace(after, content=data)
        if now != agreed.now:
            self._record.put([replace(agreed, now=now)])
            self._looked[agreed.image_id] = _stamp(agreed.path)

    def _is_own(self, agreed: Agreed, image: Image, content: bytes | None) -> bool:
        """Whether a file is as the project has it, though no agreement says so: the process died in between."""
        if content is None:
            return False
        try:
            wanted, after = self._wanted(agreed, image)
            if self._edited(agreed, image, wanted) == content:
                self._record.put([replace(agreed, now=replace(after, content=content))])
                return True
            anew = self._first_agreement(image)
            labels = self._files.read(content, self._page(image, agreed.path))
        except ReticleError:
            return False
        if self._files.holds.verified and labels.boxes and labels.verified != anew.now.verified:
            return False
        self._record.put([anew])
        return True

    def _theirs(self, agreed: Agreed, image: Image) -> Theirs:
        content = _content(agreed.path)
        page = self._page(image, agreed.path)
        return Theirs(
            image=image,
            page=page,
            now=agreed.now,
            content=content,
            was=self._read(agreed.now.content, page),
            labels=self._read(content, page),
            tells_verified=self._files.holds.verified,
        )

    def _outside(self, agreed: Agreed, image: Image, content: bytes | None) -> OutsideChange:
        now_own = self._own_boxes(image)
        own = tuple(
            Difference(place=place, before=one.box, after=now_own.get(one.box_id))
            for place, one in enumerate(agreed.now.boxes)
            if one is not None and now_own.get(one.box_id) != one.box
        )
        page = self._page(image, agreed.path)
        try:
            if content is None and not page.image.exists():
                raise FormatError("the image and its label file are not there", path=agreed.path)
            was, now = self._read(agreed.now.content, page), self._read(content, page)
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


def editor_of(format_name: str, folder: Path) -> LabelFiles:
    """What edits the label files of a folder.

    Raises:
        ConfigError: files of this format are not edited in their place.
        FormatError: the folder cannot be used.
    """
    spec = format_named(format_name)
    if spec.open is None:
        raise ConfigError(
            f"{spec.title} is not edited in its place", hint="Import the folder, and export it again"
        )
    return spec.open(folder)


def _outside_change(agreed: Agreed, page: Page, **found: Any) -> OutsideChange:
    size = (page.width, page.height)
    return OutsideChange(image_id=agreed.image_id, path=agreed.path, image=page.image, size=size, **found)


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
    """Let ``data`` take the place of what a file holds, if that is still what is ``expected`` when ``data`` is on the disk.
    A link stays, and so do the rights of the file.

    Raises:
        FormatError: somebody has changed it, or it may not be written.
        OSError: it cannot be written.
    """
    path = Path(os.path.realpath(path))
    path.parent.mkdir(exist_ok=True)
    if path.exists() and not os.access(path, os.W_OK):
        raise FormatError("may not be written", path=path, hint="Give yourself the right to write it")
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.part{path.suffix}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
        if _content(path) != expected:
            raise FormatError(
                "another program has changed the file: not written",
                path=path,
                hint="Take or refuse its change first",
            )
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)
