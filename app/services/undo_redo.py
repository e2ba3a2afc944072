"""Undo and redo, which say so when they reach what is not in view."""

from __future__ import annotations

from collections.abc import Callable

from app.services.actions import LABEL
from app.services.context import AppContext
from app.services.figures import counted
from detcore.errors import ReticleError
from detcore.project.history import next_step_size
from detcore.project.project import Project
from detcore.types import Changes

UNDONE, REDONE = "Undone", "Redone"
LONG_STEP = 200_000
"""Bytes in the journal from which on a step is taken back off the GUI thread: some 4,000 boxes, 0.1 s."""


Failed = Callable[[], None]
"""To be called when it turns out that something could not be done."""


class SideStep:
    """Something done to a project outside of its journal that can be taken back, such as discarding a run.

    Undo on the page that is its ``scope`` takes it back, as long as nothing was edited since. It is ``done``
    or not from the moment that is asked for, so that the next undo is of what came before; if that fails it
    is again what it was, for nothing has changed.
    """

    def __init__(
        self, text: str, scope: str, *, undo: Callable[[Failed], object], redo: Callable[[Failed], object]
    ) -> None:
        self.text, self.scope = text, scope
        self._undo, self._redo = undo, redo
        self.done = True

    def take_back(self) -> None:
        if self.done:
            self._go(self._undo, done=False)

    def do_again(self) -> None:
        if not self.done:
            self._go(self._redo, done=True)

    def _go(self, work: Callable[[Failed], object], *, done: bool) -> None:
        def fail() -> None:
            self.done = not done

        self.done = done
        work(fail)


class UndoRedo:
    """Binds the two actions of the window."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._beside: list[SideStep] = []
        self._is_busy = False
        document = context.document
        for name, go in (("undo", self._undo), ("redo", self._redo)):
            context.actions.bind(f"global.{name}", go, when=lambda name=name: self._text(name) is not None)
        document.opened.connect(self.show_texts)
        document.runs_changed.connect(self.show_texts)
        document.closed.connect(self._forget)
        document.changed.connect(lambda _changes: self._forget())
        document.stepped_aside.connect(self._keep)

    def show_texts(self) -> None:
        """Let menus say what would be undone; ask it when another page is shown."""
        actions = self._context.actions
        for name, word in (("undo", "Undo"), ("redo", "Redo")):
            what = self._text(name)
            actions[f"global.{name}"].setText(f"{word} {what[0].lower()}{what[1:]}" if what else word)
            actions[f"global.{name}"].setIconText(word)
        actions.refresh()

    def _keep(self, step: SideStep) -> None:
        if step not in self._beside:
            self._beside = [*(kept for kept in self._beside if kept.done), step]
        self.show_texts()

    def _forget(self) -> None:
        self._beside.clear()
        self.show_texts()

    def _aside(self, name: str) -> SideStep | None:
        """The step besides the journal that comes next on the page that is shown."""
        steps = [step for step in self._beside if step.scope == self._context.actions.scope]
        done = [step for step in steps if step.done]
        if name == "undo":
            return done[-1] if done else None
        return next((step for step in steps[len(done) :] if not step.done), None)

    def _text(self, name: str) -> str | None:
        aside, document = self._aside(name), self._context.document
        if self._is_busy:
            return None
        if aside is not None:
            return aside.text
        return getattr(document.project, f"{name}_text") if document.is_open else None

    def _undo(self) -> None:
        aside = self._aside("undo")
        if aside is None:
            self._go(UNDONE)
        else:
            aside.take_back()
            self.show_texts()

    def _redo(self) -> None:
        aside = self._aside("redo")
        if aside is None:
            self._go(REDONE)
        else:
            aside.do_again()
            self.show_texts()

    def _go(self, word: str) -> None:
        """A long step, such as an import, goes in the pool: thousands of rows take seconds."""
        document, project = self._context.document, self._context.document.project
        redo = word == REDONE
        text = (project.redo_text if redo else project.undo_text) or ""
        self._context.messages.end_series()
        if next_step_size(project, redo=redo) < LONG_STEP:
            self._tell(word, text, document.redo() if redo else document.undo())
            return
        self._is_busy = True
        self._context.actions.refresh()
        self._context.tasks.run_with_progress(
            f"{'Redoing' if redo else 'Undoing'} {text[:1].lower()}{text[1:]}",
            lambda _progress: project.redo() if redo else project.undo(),
            done=lambda changes: self._end(project, word, text, changes),
            failed=lambda error: self._fail(project, word, error),
        )

    def _end(self, project: Project, word: str, text: str, changes: Changes | None) -> None:
        self._is_busy = False
        if self._context.document.shows(project) and changes is not None:
            self._context.document.announce(changes)
            self._tell(word, text, changes)

    def _fail(self, project: Project, word: str, error: Exception) -> None:
        self._is_busy = False
        self.show_texts()
        if self._context.document.shows(project) or not isinstance(error, ReticleError):
            self._context.messages.error(error, doing="redo" if word == REDONE else "undo")

    def _tell(self, word: str, text: str, changes: Changes | None) -> None:
        if changes is None:
            return
        many = len(changes.images | changes.box_images) > 1
        if changes.image_list or changes.classes or (many and self._context.actions.scope != LABEL):
            self._offer_back(f"{word}: {text}", word)
        elif self._context.actions.scope == LABEL:
            self._say_where(f"{word}: {text}", changes)

    def _offer_back(self, text: str, word: str) -> None:
        """What reaches beyond the box in view, such as an import, is told, with the way back."""
        back = "redo" if word == UNDONE else "undo"
        action = self._context.actions[f"global.{back}"]
        until = self._context.document.until_next_edit()
        self._context.messages.info(text, action=(back.capitalize(), action.trigger), applies=until)

    def _say_where(self, text: str, changes: Changes) -> None:
        """Nothing seems to happen when the images that changed are elsewhere in the list."""
        project, view = self._context.document.project, self._context.view
        touched = sorted((changes.images | changes.box_images) & set(project.image_ids()))
        if not touched or view.image_id in touched:
            return
        place = project.image(touched[0]).path if len(touched) == 1 else counted(len(touched), "image")
        show = ("Show", lambda: view.show_image(touched[0]))
        until = self._context.document.until_next_edit()
        self._context.messages.info(
            f"{text}, in {place}", action=show, applies=lambda: until() and view.image_id not in touched
        )
