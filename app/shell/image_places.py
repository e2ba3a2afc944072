"""Where the images of the open project are: files that moved, were renamed, came, or were taken out before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from app.services.context import AppContext
from app.services.figures import count_text, counted
from app.services.messages import Offer
from app.services.tasks import ProgressCallback, Task
from app.services.timing import Debouncer
from detcore.errors import Cancelled, ReticleError
from detcore.images.decoding import files_with_frames, frames_text
from detcore.project.fingerprints import Files, look_at_files
from detcore.project.locating import Located, find_images_below, use_located
from detcore.project.new_images import FolderNews, add_unknown, look_for_news, rejoin
from detcore.project.project import Project
from detcore.project.removals import bring_back, find_removed
from detcore.types import Changes

_SETTLE_MS = 2000
_MOST_NAMES = 3


class ImagePlaces(QObject):
    """Keeps in mind what the files of the project hold, says when some are gone, and finds them again.
    Everything that touches the disk runs in the pool.

    Signals:
        images_moved(): the images are in another folder now.
    """

    images_moved = Signal()

    def __init__(self, context: AppContext, window: QWidget) -> None:
        super().__init__(window)
        self._context, self._window = context, window
        self._survey: Task | None = None
        self._soon = Debouncer(self, lambda: self._look_at_files(on_opening=False), pause_ms=_SETTLE_MS)
        context.actions.bind("global.find_images", self._ask_folder, when=lambda: context.document.is_open)
        context.actions.bind("global.new_images", self.look_for_news, when=lambda: context.document.is_open)
        context.document.opened.connect(lambda: self._look_at_files(on_opening=True))
        context.document.changed.connect(self._follow)
        context.document.closed.connect(self._leave_project)

    def locate(self, folder: Path) -> None:
        """Look for the images in a folder, and read them from where they are found."""
        project = self._context.document.project

        def work(progress: ProgressCallback) -> tuple[Located, Changes]:
            located = find_images_below(project, folder, progress=progress)
            return located, use_located(project, located)

        self._run(project, "Looking for the images", work, self._show_located, doing="find the images")

    def look_for_news(self) -> None:
        """Add the images that came into the folder since the project was made, or last looked."""
        project = self._context.document.project

        def work(progress: ProgressCallback) -> tuple[FolderNews, Changes, list[str]]:
            news = look_for_news(project, progress=progress)
            changes = project.edit(add_unknown, news.new)
            added = [image.path for image in project.images(list(changes.images))]
            return news, changes, files_with_frames(project.image_root, added)

        self._run(project, "Looking for new images", work, self._show_news, doing="look for new images")

    def _look_at_files(self, *, on_opening: bool) -> None:
        """Keep what files hold, as long as they are there; on opening say when some are not."""
        project = self._context.document.project
        self._stop_survey()
        started: list[Task] = []  # the work may begin before the task is known here
        self._survey = self._context.tasks.run(
            lambda: look_at_files(
                project, progress=lambda _done, _total: not any(t.cancelled for t in started)
            ),
            done=lambda files: self._show_missing(project, files) if on_opening else None,
            failed=lambda error: self._fail(project, error, "look at the images"),
        )
        started.append(self._survey)

    def _show_missing(self, project: Project, files: Files) -> None:
        if files.missing and self._context.document.shows(project):
            count, total = len(files.missing), counted(files.total, "image")
            lost = "is not where it was" if count == 1 else "are not where they were"
            self._context.messages.warning(
                f"{count_text(count)} of {total} {lost}.",
                action=("Locate…", self._context.actions["global.find_images"].trigger),
                applies=lambda: self._context.document.shows(project),
            )

    def _show_located(self, project: Project, result: tuple[Located, Changes]) -> None:
        located, changes = result
        self._context.document.announce(changes)
        self.images_moved.emit()
        total = counted(located.total, "image")
        text = f"{count_text(located.found)} of {total} found. The images are read from {located.root}."
        if located.ambiguous:
            text += (
                f" Of {count_text(located.ambiguous)} there are several files of the name: none was chosen."
            )
        if located.missing:
            self._context.messages.warning(text)
        else:
            self._context.messages.success(text)

    def _show_news(self, project: Project, result: tuple[FolderNews, Changes, list[str]]) -> None:
        news, changes, framed = result
        added = len(changes.images)
        self._context.document.announce(changes)
        texts: list[str] = []
        if added:
            texts.append(f"{counted(added, 'new image was', 'new images were')} added.")
        elif not (news.renamed or news.ambiguous or news.removed):
            texts.append(f"There are no new images in {project.image_root}.")
        if framed:
            texts.append(frames_text(framed))
        offer: Offer | None = None
        if news.removed:
            texts.append(
                f"{counted(len(news.removed), 'image')} that you took out before {_was(news.removed)} passed over."
            )
            offer = ("Bring them back", lambda: self._bring_back(project, news.removed))
        if news.renamed:
            count = len(news.renamed)
            files = counted(count, "file is an image", "files are images")
            texts.append(f"{files} of this project under another name.")
            offer = ("Re-join", lambda: self._rejoin(project, news))
        if news.ambiguous:
            texts.append(
                f"{_names(news.ambiguous)} {_was(news.ambiguous)} not added: nobody can tell which of the missing "
                "images it is."
            )
        tell = self._context.messages.warning if news.ambiguous else self._context.messages.success
        tell(" ".join(texts), action=offer, applies=lambda: self._context.document.shows(project))

    def _rejoin(self, project: Project, news: FolderNews) -> None:
        try:
            changes = self._context.document.edit(rejoin, news.renamed)
        except ReticleError as error:
            self._fail(project, error, "re-join the images")
            return
        count = len(changes.images)
        text = f"{counted(count, 'image')} re-joined with {'its' if count == 1 else 'their'} labels."
        offer: Offer | None = None
        if news.removed:
            text += f" {counted(len(news.removed), 'image')} that you took out before {_was(news.removed)} passed over."
            offer = ("Bring them back", lambda: self._bring_back(project, news.removed))
        self._context.messages.success(
            text, action=offer, applies=lambda: self._context.document.shows(project)
        )

    def _bring_back(self, project: Project, paths: Sequence[str]) -> None:
        def work(_progress: ProgressCallback) -> tuple[Changes, ...]:
            found = find_removed(project, paths)
            rest = tuple(path for path in paths if path not in found.paths)
            return project.edit(bring_back, found), project.edit(add_unknown, rest)

        self._run(
            project, "Bringing images back", work, self._show_brought_back, doing="bring the images back"
        )

    def _show_brought_back(self, project: Project, result: tuple[Changes, Changes]) -> None:
        with_labels, bare = result
        for changes in result:
            self._context.document.announce(changes)
        text = f"{counted(len(with_labels.images), 'image')} came back with all labels."
        if bare.images:
            text += f" {counted(len(bare.images), 'image')} without labels, which the project no longer has."
        self._context.messages.success(text)

    def _ask_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self._window, "The folder where the images are now")
        if chosen:
            self.locate(Path(chosen))

    def _run(
        self,
        project: Project,
        title: str,
        work: Callable[[ProgressCallback], Any],
        show: Callable[[Project, Any], None],
        *,
        doing: str,
    ) -> None:
        """Do something long, and show what came of it unless another project is open by then."""
        self._context.tasks.run_with_progress(
            title,
            work,
            done=lambda result: show(project, result) if self._context.document.shows(project) else None,
            failed=lambda error: self._fail(project, error, doing),
        )

    def _fail(self, project: Project, error: Exception, doing: str) -> None:
        if not isinstance(error, ReticleError):
            raise error
        if isinstance(error, Cancelled) or not self._context.document.shows(project):
            return
        self._context.messages.error(error, doing=doing)

    def _follow(self, changes: Changes) -> None:
        if changes.image_list:
            self._soon.ask()

    def _leave_project(self) -> None:
        self._soon.stop()
        self._stop_survey()

    def _stop_survey(self) -> None:
        if self._survey is not None:
            self._survey.cancel()
            self._survey = None


def _was(items: Sequence[str]) -> str:
    return "was" if len(items) == 1 else "were"


def _names(paths: Sequence[str]) -> str:
    return ", ".join(paths[:_MOST_NAMES]) + (", …" if len(paths) > _MOST_NAMES else "")
