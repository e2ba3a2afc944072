"""The Train page: choose a detector, train it, watch it learn, compare runs."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QStackedWidget

from app.services.context import AppContext
from app.services.figures import count_text, counted
from app.services.timing import Debouncer
from app.train.anchor_fit import AnchorFitting
from app.train.commands import RunCommands
from app.train.control import RunControl
from app.train.crossval import CrossValidating
from app.train.endings import RunEndings
from app.train.exhibits import Exhibits
from app.train.histories import RunHistories
from app.train.model_export import ModelExporting
from app.train.previewing import Previewing
from app.train.published_weights import PublishedWeights
from app.train.run_history import RunHistory
from app.train.sent import SentToTraining
from app.train.shelf import RunShelf
from app.train.starting import StartingFrom
from app.train.tiling_note import TilingNote
from app.train.widgets.buttons import TrainButtons
from app.train.widgets.run_list import RunList
from app.train.widgets.run_view import RunView
from app.train.widgets.setup import TrainSetup
from app.widgets.empty_state import EmptyState
from app.widgets.page import Page
from app.widgets.pictures import thumbnails
from detcore.errors import ConfigError
from detcore.jobs.config import TrainConfig
from detcore.jobs.preparing.material import RATIOS, TrainingData, survey
from detcore.jobs.program import missing_for_training
from detcore.project.imported_run import ImportedFrom
from detcore.project.project import Project
from detcore.project.runs import RunInfo

CONFIG_KEY = "train.config"
SURVEY_MS = 300
SETUP_WIDTH = 304
RUNS_WIDTH, RUNS_LEAST_WIDTH = 256, 180


class TrainPage(Page):
    """Composes the widgets; what happens to runs is the business of ``control``.

    Signals:
        request_page(str): show another page.
    """

    request_page = Signal(str)

    def __init__(self, context: AppContext) -> None:
        super().__init__("train", context)
        self._data: TrainingData | None = None
        self._missing = missing_for_training()
        self._survey = Debouncer(self, self._look_at_data, pause_ms=SURVEY_MS)
        self.histories = RunHistories(context, self)
        self.shelf = RunShelf(context, self.histories, self)
        self.control = RunControl(context, self.histories, self)
        self.endings = RunEndings(context, self.control, self.histories, self)
        self.run_list = RunList(self.shelf.model, context.theme)
        self.homes = (self.run_list.view,)
        self.run_view = RunView(
            context.theme, thumbnails(context.tasks, self), context.actions["train.measure"]
        )
        self.empty = EmptyState(context.theme)
        actions = context.actions
        self.buttons = TrainButtons(
            actions["train.start"],
            actions["train.stop"],
            actions["train.finish"],
            actions["global.divide"],
            actions["train.preview"],
        )
        self.setup = TrainSetup(self.buttons, context)
        self.published = PublishedWeights(context, self.setup, self)
        self.starting = StartingFrom(context, self.setup, self)
        self.exhibits = Exhibits(
            context, self.run_view.inside, show_label=lambda: self.request_page.emit("label"), parent=self
        )
        self.tiling = TilingNote(context, self.setup, self)
        self.anchors = AnchorFitting(context, self.setup, self.tiling, self)
        self.sent = SentToTraining(context, self.control, self)
        self.setup.put_above(self.sent.card)
        self.commands = RunCommands(
            context,
            self.control,
            self.histories,
            selected=self.selected_run,
            config=self.setup.config,
            parent=self,
        )
        self.crossval = CrossValidating(
            context, self.control, config=self.setup.config, data=lambda: self._data, parent=self
        )
        self.previewing = Previewing(context, config=self.setup.config, parent=self)
        self.model_export = ModelExporting(context, self.control, selected=self.selected_run, parent=self)
        self._bind_actions()
        self._compose()
        self._connect()
        self._refresh()

    def selected_run(self) -> RunInfo | None:
        """The run that is shown."""
        return self.shelf.model.run(self.run_list.selected)

    def entered(self) -> None:
        self.setup.settings.show_devices(self.context.jobs.devices)
        self.context.jobs.look_for_devices()
        self._look_at_data()
        self.sent.refresh()
        self.tiling.look()
        self.buttons.start.setFocus(Qt.FocusReason.OtherFocusReason)

    def _bind_actions(self) -> None:
        actions, control = self.context.actions, self.control
        actions.bind("train.start", self._start, when=self._can_start)
        actions.bind("train.stop", control.stop, when=lambda: control.at_work is not None)
        actions.bind("train.finish", control.finish, when=lambda: control.can_finish)
        actions.bind("train.measure", control.measure, when=lambda: control.training is not None)
        actions.bind("train.fit", self.run_view.plots.fit)
        for name, show in (
            ("smooth", self.run_view.plots.set_smooth),
            ("logarithmic", self.run_view.plots.set_logarithmic),
            ("learning_rate", self.run_view.plots.show_learning_rate),
        ):
            action = actions[f"train.{name}"]
            actions.bind(f"train.{name}", lambda action=action, show=show: show(action.isChecked()))
        actions["train.smooth"].setChecked(True)

    def _compose(self) -> None:
        actions = self.context.actions
        of_run = [actions[f"train.{name}"] for name in ("resume", "predict", "export_model", "discard")]
        crossval = actions["train.crossval"]
        of_plots = [actions[f"train.{name}"] for name in ("smooth", "logarithmic", "learning_rate", "fit")]
        self.toolbar.addActions(of_run)
        self.toolbar.addSeparator()
        self.toolbar.addAction(crossval)
        self.add_toolbar_space()
        self.toolbar.addActions(of_plots)
        self.words.add([*of_run, crossval])
        self.words.add(of_plots)
        self.middle = QStackedWidget()
        self.middle.addWidget(self.empty)
        self.middle.addWidget(self.run_view)
        self.setCentralWidget(self.middle)
        self.setup.setMinimumWidth(SETUP_WIDTH)
        self.run_list.setMinimumWidth(RUNS_LEAST_WIDTH)
        self.add_panel("Detector", self.setup, Qt.DockWidgetArea.LeftDockWidgetArea, width=SETUP_WIDTH)
        self.add_panel("Runs", self.run_list, Qt.DockWidgetArea.RightDockWidgetArea, width=RUNS_WIDTH)

    def _connect(self) -> None:
        context = self.context
        context.document.opened.connect(self._open)
        context.document.closed.connect(self._close)
        context.document.changed.connect(lambda _changes: self._survey.ask())
        context.jobs.changed.connect(self._refresh)
        context.jobs.devices_found.connect(lambda: self.setup.settings.show_devices(context.jobs.devices))
        self.histories.changed.connect(self._follow_history)
        self.control.changed.connect(self._refresh)
        self.control.prepared.connect(self._show_new_run)
        self.endings.review_requested.connect(context.view.show_run)
        self.endings.review_requested.connect(lambda _run: self.request_page.emit("review"))
        self.shelf.loaded.connect(self._show_runs)
        self.shelf.model.compared_changed.connect(self._refresh)
        self.run_list.run_selected.connect(lambda _name: self._refresh())
        self.run_list.run_activated.connect(lambda _name: self.run_view.plots.fit())
        self.run_list.menu_requested.connect(self.commands.show_menu)
        self.setup.file_wanted.connect(self._choose_weights)
        self.setup.settings.more.changed.connect(self.previewing.settings_changed)
        self.setup.detector.chosen.connect(lambda _model: self.previewing.settings_changed())
        self.published.changed.connect(self._show_weights)
        self.empty.pressed.connect(self._leave_empty)

    def _open(self) -> None:
        stored = self.context.document.project.get_setting(CONFIG_KEY)
        config = TrainConfig()
        if isinstance(stored, dict):
            try:
                last = TrainConfig.from_dict(stored)
                last.check()
                config = last
            except ConfigError as error:
                self.context.messages.warning(f"The training settings of last time were not used: {error}")
        self.setup.show_config(config)
        self._refresh()
        self._look_at_data()

    def _close(self) -> None:
        self._survey.stop()
        self._data = None
        self._refresh()

    def _look_at_data(self) -> None:
        """Count what there is to train on, in the background."""
        document = self.context.document
        if document.is_open:
            project = document.project
            self.context.tasks.run(
                lambda: survey(project),
                done=lambda data: self._show_data(project, data),
                failed=lambda error: self._fail_survey(project, error),
            )

    def _fail_survey(self, project: Project, error: Exception) -> None:
        if self.context.document.is_open and self.context.document.project is project:
            self.context.messages.error(error, doing="look at the labels")

    def _show_data(self, project: Project, data: TrainingData) -> None:
        if self.context.document.is_open and self.context.document.project is project:
            self._data = data
            self._refresh()

    def _show_runs(self) -> None:
        self._show_weights()
        self._show_teachers()
        self._refresh()

    def _show_weights(self) -> None:
        """What a training can start from."""
        runs = [(run.name, run.weights) for run in self.shelf.model.runs if run.weights is not None]
        published = [(name, Path(name)) for name in self.published.here()]
        self.setup.settings.show_weights([*runs, *published])

    def _show_teachers(self) -> None:
        runs = [run.name for run in self.shelf.model.runs if run.has_checkpoint]
        self.setup.settings.show_teachers(runs)

    def _show_new_run(self, name: str) -> None:
        """Show a run that begins, as soon as it is in the list."""
        self.run_list.select_next(name)

    def _follow_history(self, name: str) -> None:
        shown = name == self.run_list.selected or name in self.shelf.model.compared
        if not shown:
            return
        if self.run_view.shows(self.histories.get(name)):
            self.run_view.refresh(self.selected_run())
        else:
            self._refresh()

    def _refresh(self) -> None:
        """Bring the middle, the buttons and the actions in line with what is selected and running."""
        training = self.control.at_work is not None
        preparing = self.control.preparing
        run = self.selected_run()
        stop_text = "Stopping…" if self.control.stopping else "Stop and keep"
        self.buttons.show_training(
            training, start_text="Starting…" if preparing else "Train", stop_text=stop_text
        )
        about_data = _data_text(self._data) if self._missing is None else str(self._missing)
        self.buttons.show_data("" if training else about_data)
        self.setup.set_editable(not training and not preparing)
        if run is None:
            self._show_empty()
        elif run.imported is not None:
            self._show_imported(run.imported)
        else:
            self._show_run(run)
        trained = run is not None and run.imported is None
        self.middle.setCurrentWidget(self.run_view if trained else self.empty)
        self.commands.refresh()
        self.context.actions.refresh()

    def _show_run(self, run: RunInfo) -> None:
        model = self.shelf.model
        wanted = [run, *(other for name in model.compared if (other := model.run(name)) and name != run.name)]
        for info in wanted:
            self.histories.load(info.folder)
        compared = [(info.name, history) for info in wanted[1:] if (history := self.histories.get(info.name))]
        history = self.histories.get(run.name) or RunHistory()
        self.run_view.show_run(run, history, compared, doing=self.control.doing(run.folder.path))

    def _show_imported(self, origin: ImportedFrom) -> None:
        """What was not trained here has no curves."""
        what = "The labels of another person" if origin.by_person else "What another program has found"
        text = f"{what}, from {origin.source} ({origin.format}). There is no model here to train or to predict with."
        self.empty.show_state("import", "Imported", text, "Review")

    def _leave_empty(self) -> None:
        """To where the button leads that an empty page has."""
        run = self.selected_run()
        if run is None:
            self.request_page.emit("label")
        else:
            self.request_page.emit("review")
            self.context.view.show_run(run.name)

    def _show_empty(self) -> None:
        if not self.context.document.is_open:
            state = (
                "folder-image",
                "No project is open",
                "Open a folder of images on the Label page.",
                "Go to Label",
            )
        elif self._data is not None and not self._data.with_boxes:
            text = "Draw boxes on the Label page. A detector learns from what you draw there."
            state = ("vector-rectangle", "No labelled images yet", text, "Go to Label")
        else:
            text = (
                "Choose a detector on the left and press Train. Losses and average precision are drawn here."
            )
            state = ("chart-line", "Nothing trained yet", text, "")
        self.empty.show_state(*state)

    def _can_start(self) -> bool:
        return self.context.document.is_open and not self.control.busy

    def _start(self) -> None:
        try:
            config = self.setup.config()
        except ConfigError as error:
            self.context.messages.error(error, doing="start the training")
            return
        self.context.document.project.set_setting(CONFIG_KEY, config.to_dict())
        self.control.start(config)

    def _choose_weights(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "Weights to start from", "", "Weights (*.safetensors *.pth *.pt *.weights);;All files (*)"
        )
        if path:
            self.setup.settings.more.use_weights(path)
            self.starting.follow(path)


def _data_text(data: TrainingData | None) -> str:
    """What a training would learn from."""
    if data is None:
        return ""
    if not data.with_boxes:
        return "No labelled images yet: draw boxes on the Label page."
    if data.needs_splits:
        shares = ", ".join(f"{share:.0%} {name}" for name, share in RATIOS.items())
        images = counted(data.unassigned, "labelled image has", "labelled images have")
        return f"{images} no split. Train divides the images: {shares}."
    if not data.to_learn_from:
        return "No image with boxes is in the train split."
    return f"{counted(data.train, 'image')} to train on, {count_text(data.val)} to validate."
