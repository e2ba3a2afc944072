"""Opening, making and importing: from dialogs, from files dropped on the window, from the start screen."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, QTimer, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from app.services.context import AppContext
from app.services.figures import counted
from app.services.tasks import ProgressCallback, Task
from app.shell.damaged_projects import DamagedProjects
from app.shell.import_dialog import ImportRequest, ask_import
from app.shell.problems_dialog import ProblemsDialog
from app.shell.project_dialog import ask_project
from app.widgets.questions import may_come_in, may_stop_training
from detcore.errors import (
    Cancelled,
    OutsideImagesError,
    ProjectDamagedError,
    ReticleError,
    UnfinishedImportError,
)
from detcore.exchange import ImportReport, admit, find_dataset, import_dataset, import_found
from detcore.formats import all_formats, detect_format
from detcore.images.decoding import EXTENSIONS, files_with_frames, frames_text
from detcore.project.opening import SUFFIX, create_from_images, is_project, open_path, project_folder_for
from detcore.project.project import Project
from detcore.sample import create_sample_project

LOOK_AFTER_MS = 500
"""After a folder was opened it is looked through for labels."""


class ProjectActions(QObject):
    """Binds the actions of the File menu. Everything slow runs in the pool.

    Signals:
        page_requested(str): show that page.
    """

    page_requested = Signal(str)

    def __init__(self, context: AppContext, window: QWidget) -> None:
        super().__init__(window)
        self._context = context
        self._window = window
        self._imports: set[Task] = set()
        self._offered: ImportRequest | None = None
        self._damaged = DamagedProjects(context, window, self.open_path)
        actions = context.actions
        actions.bind("global.new_project", self._ask_new)
        actions.bind("global.open_folder", self._ask_folder)
        actions.bind("global.open_project", self._ask_project)
        actions.bind("global.import", self._ask_import)
        actions.bind("global.sample", self.open_sample)
        context.document.closed.connect(self._leave_project)

    def open_path(self, path: Path) -> None:
        """Open a project or a folder of images, in the background; what is open already is shown."""
        document = self._context.document
        if document.is_open and _is_of(path, document.project):
            self.page_requested.emit("label")
            return
        if not may_stop_training(self._context.jobs, self._window):
            return
        self._context.tasks.run_with_progress(
            f"Opening {path.name}",
            lambda progress: open_path(path, progress=progress),
            done=self._show_opened,
            failed=lambda error: self._fail_open(path, error),
        )

    def open_dropped(self, paths: Sequence[Path]) -> None:
        """Open a folder or a project, go to an image, or ask how a file of labels is to be imported."""
        if not paths:
            return
        first, document = paths[0], self._context.document
        if first.is_dir() or first.name == "project.db":
            self.open_path(first)
        elif first.suffix.lower() in _label_suffixes():
            self._ask_import(first)
        elif first.suffix.lower() not in EXTENSIONS:
            self._context.messages.info(
                f"{first.name} cannot be opened. Drop a folder of images, a project, an image of it, or a file of "
                f"labels ({', '.join(_label_suffixes())})."
            )
        elif document.is_open:
            self._show_dropped(document.project, first)
        else:
            self.open_path(first.parent)

    def _show_dropped(self, project: Project, path: Path) -> None:
        """Go to an image of the open project; another one is not opened behind the user's back."""
        image_id = project.image_ids_by_path().get(project.stored_path(path))
        if image_id is not None:
            self.page_requested.emit("label")
            self._context.view.show_image(image_id)
        elif path.resolve().is_relative_to(project.image_root.resolve()):
            self._context.messages.info(
                f"{path.name} lies in this project's folder and is not in the project yet.",
                action=("Look for new images", self._context.actions["global.new_images"].trigger),
            )
        else:
            folder = path.parent
            self._context.messages.info(
                f"{path.name} does not lie in the folder of this project, {project.image_root}.",
                action=(f"Open {folder.name}", lambda: self.open_path(folder)),
            )

    def open_sample(self) -> None:
        """Open the sample project, made at the first time."""
        data = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppLocalDataLocation))
        folder = data / "sample" / f"sample{SUFFIX}"
        document = self._context.document
        if document.is_open and _is_of(folder, document.project):
            self.page_requested.emit("label")
            return
        if not may_stop_training(self._context.jobs, self._window):
            return

        def work(progress: ProgressCallback) -> Project:
            if is_project(folder):
                return Project.open(folder, progress=progress)
            return create_sample_project(folder.parent, progress=progress)

        self._context.tasks.run_with_progress(
            "Painting the sample",
            work,
            done=self._show,
            failed=lambda error: self._fail(error, "make the sample"),
        )

    def import_from(self, request: ImportRequest) -> None:
        """Read a dataset into the open project, or into a new one beside the dataset.

        An import belongs to the project that it writes to: it is cancelled when that is closed, or goes on at the
        next opening once it has begun to write.
        """
        document = self._context.document
        target = document.project if document.is_open and request.into_open else None

        offered = self._offered
        if offered is not None and request.source == offered.source:
            self._offered = None
        else:
            offered = None
        name = request.source.name
        task = self._context.tasks.run_with_progress(
            f"Importing {name}",
            lambda progress: _import(request, target, progress),
            done=lambda result: self._show_import(name, target, *result),
            failed=lambda error: self._fail_import(request, target, offered, error),
        )
        if target is not None:
            self._imports.add(task)
            task.finished.connect(lambda: self._imports.discard(task))

    def _ask_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(
            self._window, "Open a folder of images", str(self._usual_place())
        )
        if chosen:
            self.open_path(Path(chosen))

    def _ask_project(self) -> None:
        chosen = QFileDialog.getExistingDirectory(
            self._window, f"Open a project (NAME{SUFFIX})", str(self._usual_place())
        )
        if chosen:
            self.open_path(Path(chosen))

    def _usual_place(self) -> Path:
        """Where one looks for a folder first: beside the last project, else at home."""
        recent = self._context.settings.recent_projects
        return recent[0].parent if recent else Path.home()

    def _ask_new(self) -> None:
        request = ask_project(self._window, self._context.tasks)
        if request is None or not may_stop_training(self._context.jobs, self._window):
            return
        name = request.folder.stem
        self._context.tasks.run_with_progress(
            f"Making {name}",
            lambda _progress: create_from_images(request.folder, request.images),
            done=self._show_opened,
            failed=lambda error: self._fail(error, f"make {name}"),
        )

    def _ask_import(self, source: Path | None = None) -> None:
        document = self._context.document
        request = ask_import(
            self._window, self._context.tasks, document.project if document.is_open else None, source
        )
        if request is not None:
            self.import_from(request)

    def _fail_open(self, path: Path, error: Exception) -> None:
        if isinstance(error, ProjectDamagedError):
            self._damaged.offer(error)
        else:
            is_named = path.suffix == SUFFIX or path.name == "project.db"
            self._fail(error, "open the project" if is_named else "open the folder")

    def _show_opened(self, project: Project) -> None:
        """Show it; a folder that was opened for its images may hold labels, too, and files of several pages: look
        for them."""
        self._show(project)
        # the first image is shown before: what looks through thousands of files would take its time from it
        QTimer.singleShot(LOOK_AFTER_MS, self, lambda: self._look_for_labels(project))

    def _look_for_labels(self, project: Project) -> None:
        if not self._context.document.shows(project) or project.box_count():
            return
        root = project.image_root
        self._context.tasks.run(
            lambda: (detect_format(root), files_with_frames(root, project.image_list().paths)),
            done=lambda found: self._show_found(project, *found),
            failed=lambda error: self._fail(error, "look for labels"),
        )

    def _show_found(self, project: Project, labels: str | None, framed: Sequence[str]) -> None:
        if labels is not None:
            self._offer_labels(project, labels, also=f" {frames_text(framed)}" if framed else "")
        elif framed and self._context.document.shows(project):
            self._context.messages.info(
                frames_text(framed), applies=lambda: self._context.document.shows(project)
            )

    def _offer_labels(self, project: Project, labels: str, *, also: str = "") -> None:
        if self._context.document.shows(project):
            request = ImportRequest(format=labels, source=project.image_root)
            offer = ("Import them", lambda: self.import_from(request))
            self._offered = request
            self._context.messages.info(
                f"This folder also holds {all_formats()[labels].full_title} labels.{also}",
                action=offer,
                applies=lambda: self._offered is request,
            )

    def _show(self, project: Project) -> None:
        document = self._context.document
        if document.is_open and document.project.folder == project.folder:
            return
        document.open(project)
        self._context.settings.remember_project(project.folder)
        if project.copy_problem is not None:
            self._context.messages.warning(f"There is no daily copy of the project: {project.copy_problem}")
        self.page_requested.emit("label")

    def _leave_project(self) -> None:
        """What was being imported into the project that closes has no place to go any more."""
        for task in self._imports:
            task.cancel()

    def _fail_import(
        self, request: ImportRequest, target: Project | None, offered: ImportRequest | None, error: Exception
    ) -> None:
        """Say what became of an import; what was ``offered`` is so again, behind an error. Images outside of the
        dataset are asked for, and with a yes the import begins anew."""
        shown = target is not None and self._context.document.shows(target)
        name = request.source.name
        if isinstance(error, OutsideImagesError) and (target is None or shown):
            if may_come_in(error, self._window):
                self._offered = offered
                self.import_from(replace(request, options=replace(request.options, outside=True)))
                return
            error = Cancelled("cancelled")
        if target is not None and shown and offered is not None:
            self._offer_labels(target, offered.format)
        if target is None or shown or not isinstance(error, ReticleError):
            self._fail(error, f"import {name}")
        elif isinstance(error, UnfinishedImportError):
            self._context.messages.info(
                f"{name} is in {target.name} in part; the rest follows when that is opened next."
            )
        else:
            self._context.messages.info(f"Importing {name} was cancelled because another project was opened.")

    def _show_import(self, name: str, target: Project | None, project: Project, report: ImportReport) -> None:
        """Show what came of an import; a project that is not the one on the screen is never brought back."""
        document, folder = self._context.document, project.folder
        if self._context.document.shows(project):
            document.announce(report.changes)
        elif target is not None:
            self._context.messages.info(f"{name} was imported into {project.name} before that was closed.")
            return
        elif document.is_open:
            project.close()
            show = ("Open it", lambda: self.open_path(folder))
            self._context.messages.success(f"{name} was imported into {folder}.", action=show)
            return
        else:
            self._show(project)
        text = _imported_text(report)
        if report.problems:
            count = len(report.problems)
            text += f" {counted(count, 'thing was', 'things were')} odd."
            show = ("Show", lambda: ProblemsDialog(report.problems, self._window).open())
            self._context.messages.warning(text, action=show)
        else:
            self._context.messages.success(text)

    def _fail(self, error: Exception, doing: str) -> None:
        if isinstance(error, Cancelled):
            self._context.messages.info("Cancelled. Nothing was changed.")
        elif isinstance(error, ReticleError | OSError):
            self._context.messages.error(error, doing=doing)
        else:
            raise error


def _label_suffixes() -> list[str]:
    """Of the files that can be imported."""
    formats = all_formats().values()
    suffixes = [suffix for spec in formats if spec.reader is not None for suffix in spec.suffixes]
    return list(dict.fromkeys(suffixes))


def _imported_text(report: ImportReport) -> str:
    """What came of an import: the boxes that were added and the images they are on, and the images that are new."""
    images = counted(report.images, "new image")
    if report.boxes:
        text = f"Imported {counted(report.boxes, 'box', 'boxes')} on {counted(report.boxed, 'image')}"
        return f"{text}; {images}." if report.images else f"{text}."
    if report.images:
        return f"Imported {images} without boxes."
    return "No box and no image was new."


def _import(
    request: ImportRequest, target: Project | None, progress: ProgressCallback
) -> tuple[Project, ImportReport]:
    """Read a dataset, if that was not done before, into the project ``target``, or into the one that its images have,
    made now if there is none."""

    def read_into(project: Project) -> tuple[Project, ImportReport]:
        if request.found is not None:
            found = admit(request.found, request.options, project=project)
            return project, import_found(project, found, progress=progress)
        return project, import_dataset(
            project,
            request.format,
            request.source,
            images=request.images,
            options=request.options,
            progress=progress,
        )

    if target is not None:
        return read_into(target)
    folder = project_folder_for(request.root)
    if is_project(folder):
        project = Project.open(folder, progress=progress)
        with _closed_on_failure(project):
            return read_into(project)
    # read first: an import that fails, or is cancelled, leaves no empty project behind
    if request.found is not None:
        found = admit(request.found, request.options)
    else:
        found = find_dataset(
            request.format,
            request.source,
            images=request.images,
            options=request.options,
            progress=progress,
        )
    project = Project.create(folder, image_root=request.root)
    with _closed_on_failure(project):
        return project, import_found(project, found, progress=progress)


@contextmanager
def _closed_on_failure(project: Project) -> Generator[None, None, None]:
    try:
        yield
    except BaseException:
        project.close()
        raise


def _is_of(path: Path, project: Project) -> bool:
    """Whether opening that path would open this project."""
    path = path.resolve()
    if path.name == "project.db":
        path = path.parent
    if path.suffix == SUFFIX:
        return path == project.folder
    return path == project.image_root.resolve() and project.folder == project_folder_for(path)
