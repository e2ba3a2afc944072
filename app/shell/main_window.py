"""The window: rail, four pages, status bar. It wires; what things mean is decided elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEventLoop, QSize, Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.canvas.dropped_files import take_files
from app.duplicates.finding import NearDuplicates
from app.export.page import ExportPage
from app.in_place.keeping import LabelFilesInPlace
from app.label.page import LabelPage
from app.review.page import ReviewPage
from app.services.context import AppContext
from app.services.figures import count_text, counted
from app.services.image_loader import ImageLoader
from app.services.keymaps import read_bindings, write_bindings
from app.services.messages import Message
from app.services.training_worker import SHUT_DOWN_SECONDS
from app.services.undo_redo import UndoRedo
from app.shell.about_dialogs import AboutDialog, ManualDialog
from app.shell.action_dialogs import ActionPalette
from app.shell.detections_import import DetectionsImport
from app.shell.division import Division
from app.shell.image_places import ImagePlaces
from app.shell.job_bar import JobBar
from app.shell.keys_dialog import KeysDialog
from app.shell.menus import Menus
from app.shell.message_bar import MessageBar
from app.shell.message_history import MessageHistory
from app.shell.project_actions import ProjectActions
from app.shell.rail import Rail
from app.shell.settings_dialog import SettingsDialog
from app.train.page import TrainPage
from app.widgets.page import Page
from app.widgets.questions import may_stop_training

SIZE, LEAST_SIZE = (1440, 900), (640, 400)
STATUS_HEIGHT = 42


class PageStack(QStackedWidget):
    """Asks for the room that the page in front needs, whatever others would."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.currentChanged.connect(lambda _index: self.updateGeometry())

    def minimumSizeHint(self) -> QSize:
        page = self.currentWidget()
        return super().minimumSizeHint() if page is None else page.minimumSizeHint()

    def in_scroll_area(self) -> QScrollArea:
        """Itself in an area that scrolls where a page has less room than it needs."""
        area = QScrollArea(widgetResizable=True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(self)
        return area


class MainWindow(QMainWindow):
    """Composes the pages around one context."""

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self.context = context
        context.actions.install(self)
        self.resize(*SIZE)
        self.setMinimumSize(*LEAST_SIZE)
        self.setAcceptDrops(True)
        self.loader = loader = ImageLoader(context.tasks, self)
        self.label_page = LabelPage(context, loader)
        self.train_page = TrainPage(context)
        self.review_page = ReviewPage(context, loader)
        self.export_page = ExportPage(context)
        self.project_actions = ProjectActions(context, self)
        self.detections = DetectionsImport(context, self)
        self.image_places = ImagePlaces(context, self)
        self.duplicates = NearDuplicates(context, self)
        self.label_files = LabelFilesInPlace(context, self)
        self.division = Division(context, self)
        self.pages: dict[str, Page] = {
            page.name: page for page in (self.label_page, self.train_page, self.review_page, self.export_page)
        }
        self.stack = PageStack()
        for page in self.pages.values():
            self.stack.addWidget(page)
        self.messages = MessageBar(context.theme)
        self._compose()
        self._fill_status_bar()
        self._bind_actions()
        self.menus = Menus(
            self.menuBar(),
            context.actions,
            panels=lambda page: self.pages[page].panels(),
            recent=lambda: context.settings.recent_projects,
            open_recent=self.project_actions.open_path,
        )
        self._connect()
        self._restore()
        self._use_keys()
        self.show_page("label")
        self._show_title()

    def show_page(self, name: str) -> None:
        """Bring a page to the front and enable its actions."""
        page = self.pages[name]
        current = self.stack.currentWidget()
        if current is not page and isinstance(current, Page):
            current.left()
        self.stack.setCurrentWidget(page)
        self.context.actions[f"global.page_{name}"].setChecked(True)
        self.context.actions.show_scope(name)
        for label in (self.place, self.view_status):
            label.setVisible(page is self.label_page)
        self.undo_redo.show_texts()
        page.entered()
        if current is not page:
            self.messages.turn_to_page()

    def _compose(self) -> None:
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.stack.in_scroll_area(), 1)
        whole = QWidget()
        row = QHBoxLayout(whole)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(Rail(self.context.actions))
        row.addWidget(middle, 1)
        self.setCentralWidget(whole)

    def _fill_status_bar(self) -> None:
        bar = self.statusBar()
        bar.setSizeGripEnabled(False)
        # room for a message, whether there is one or not: what a person is about to click stays where it is
        bar.setFixedHeight(STATUS_HEIGHT)
        self.jobs = JobBar(self.context.theme)
        self.saved = QLabel()
        self.place = QLabel()
        self.view_status = QLabel(alignment=Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.view_status.setMinimumWidth(140)
        for label in (self.saved, self.place, self.view_status):
            label.setProperty("role", "muted")
            label.setContentsMargins(8, 2, 8, 2)
        bar.addWidget(self.messages, 1)
        bar.addPermanentWidget(self.jobs)
        bar.addPermanentWidget(self.saved)
        bar.addPermanentWidget(self.place)
        bar.addPermanentWidget(self.view_status)

    def _bind_actions(self) -> None:
        actions = self.context.actions
        for name in self.pages:
            actions.bind(f"global.page_{name}", lambda page=name: self.show_page(page))
        self.undo_redo = UndoRedo(self.context)
        actions.bind("global.palette", self._find_action)
        actions.bind("global.help", lambda: KeysDialog(actions, self.context.settings, self).open())
        actions.bind("global.manual", lambda: ManualDialog(self).show())
        actions.bind("global.about", lambda: AboutDialog(self.context.theme, self).open())
        actions.bind("global.settings", self._show_settings)
        actions.bind("global.messages", self._show_messages)
        bar = self.messages
        actions.bind("global.message_action", bar.act, when=lambda: bar.offers)
        actions.bind("global.close_message", bar.dismiss, when=lambda: not bar.isHidden())
        bar.changed.connect(actions.refresh)
        actions.bind("global.theme", self._toggle_theme)
        actions.bind("global.quit", lambda: may_stop_training(self.context.jobs, self) and self.close())

    def _connect(self) -> None:
        context = self.context
        context.messages.posted.connect(self.messages.show_message)
        context.messages.withdrawn.connect(self.messages.withdraw)
        context.document.closed.connect(context.messages.withdraw)
        for done in (context.document.changed, context.document.runs_changed):
            done.connect(self.messages.go_on)
        for moved in (context.view.image_changed, context.view.run_reviewed, context.jobs.changed):
            moved.connect(self.messages.look_again)
        context.tasks.started.connect(self.jobs.add)
        context.settings.changed.connect(self._apply_setting)
        context.document.opened.connect(self._show_title)
        context.document.closed.connect(self._show_title)
        context.document.closed.connect(self.loader.clear)
        context.view.image_changed.connect(lambda _image_id: self._show_place())
        self.label_page.images.modelReset.connect(self._show_place)
        self.label_page.status_changed.connect(self.view_status.setText)
        self.label_page.paths_dropped.connect(self._open_dropped)
        self.label_page.welcome.recent_chosen.connect(self.project_actions.open_path)
        self.project_actions.page_requested.connect(self.show_page)
        self.detections.page_requested.connect(self.show_page)
        self.duplicates.page_requested.connect(self.show_page)
        self.image_places.images_moved.connect(self.label_page.viewer.forget_images)
        self.train_page.request_page.connect(self.show_page)
        self.review_page.request_page.connect(self.show_page)

    def _show_title(self) -> None:
        document = self.context.document
        title = "Reticle"
        if document.is_open:
            title = f"{document.project.name} ({document.project.folder.parent}) – Reticle"
        self.setWindowTitle(title)
        self.saved.setText("All changes saved" if document.is_open else "")

    def _show_place(self) -> None:
        images = self.label_page.images
        row = images.row_of(self.context.view.image_id)
        self.place.setText(f"{count_text(row + 1)}/{count_text(images.rowCount())}" if row >= 0 else "")

    def _find_action(self) -> None:
        palette = ActionPalette(self.context.actions, self)
        palette.refused.connect(lambda text: self.context.messages.info(f"“{text}” cannot be done now."))
        palette.open()

    def _show_messages(self) -> None:
        MessageHistory(self.context.messages, self.context.theme, self).open()

    def _show_settings(self) -> None:
        dialog = SettingsDialog(self.context.settings, self)
        dialog.keys_wanted.connect(self.context.actions["global.help"].trigger)
        dialog.open()

    def _toggle_theme(self) -> None:
        self.context.settings.theme = "light" if self.context.theme.tokens.name == "dark" else "dark"

    def _apply_setting(self, name: str) -> None:
        if name == "theme":
            self.context.theme.apply(self.context.settings.theme)
        elif name in ("keymap", "key_bindings"):
            self._use_keys()

    def _use_keys(self) -> None:
        """What cannot be used of the user's own keys is told, and forgotten, so that it is told once."""
        settings, actions = self.context.settings, self.context.actions
        own, problems = read_bindings(settings.key_bindings, actions.key_map)
        actions.use_keymap(settings.keymap, own)
        if problems:
            text = f"{counted(len(problems), 'key')} of your own could not be used."
            self.context.messages.warning(text, details="\n".join(problems))
            settings.key_bindings = write_bindings(own)

    def _restore(self) -> None:
        geometry = self.context.settings.layout("window")
        if geometry is not None:
            self.restoreGeometry(geometry)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        take_files(event)

    def dropEvent(self, event: QDropEvent) -> None:
        self._open_dropped(take_files(event))

    def _open_dropped(self, paths: Sequence[Path]) -> None:
        self.detections.open_dropped(paths, otherwise=self.project_actions.open_dropped)

    def closeEvent(self, event: QCloseEvent) -> None:
        if event.spontaneous() and not may_stop_training(self.context.jobs, self):
            event.ignore()
            return
        self.context.settings.set_layout("window", self.saveGeometry())
        for page in self.pages.values():
            page.save_layout()
        self.context.learner.stop()
        if self.context.jobs.active() or self.context.learner.is_running:
            # The wait is of seconds: it is told, instead of leaving a process that nobody sees.
            text = "Stopping, and keeping what was learnt…"
            self.messages.show_message(Message(level="info", text=text))
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
        self.context.jobs.shut_down()
        self.context.learner.shut_down(SHUT_DOWN_SECONDS)
        self.hide()
        self.context.document.close()  # first, or an import that has begun to write would be waited for
        self.context.tasks.shut_down()
        super().closeEvent(event)
