"""What the user can do, and the QActions of the window that are made from it.

Each page declares its actions beside itself, the window puts them together. Pages bind callbacks to the ids;
menus, tool bars, tooltips, the command palette and F1 are made from the same declarations. An action is enabled
only while its scope is shown, so a page may use a key that another page uses too. While its key is held an action
is done once, unless it says that it may repeat: walking and zooming may, nothing that writes does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, replace
from html import escape

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QAbstractButton, QWidget

from app.canvas.key_strokes import HeldKeys
from app.services.keymaps import GLOBAL, KeyMap, Keys
from app.services.theme import Theme

_log = logging.getLogger(__name__)

LABEL, TRAIN, REVIEW = "label", "train", "review"
"""Scopes, beside ``GLOBAL``."""


@dataclass(frozen=True)
class ActionSpec:
    """One thing that the user can do; its id begins with its scope."""

    id: str
    text: str
    keys: Keys = ()
    _: KW_ONLY
    icon: str = ""
    tip: str = ""
    short: str = ""  # the text in tool bars
    checkable: bool = False
    fixed: bool = False  # its key belongs to what it stands for, and is chosen there
    # done again and again while its key is held: for going on and looking, never for what writes
    repeat: bool = False
    # its key works only where a widget that has the action has the focus: Tab goes on to the next field elsewhere
    where_focused: bool = False

    @property
    def scope(self) -> str:
        """Where it works: ``global``, or the name of a page."""
        return self.id.partition(".")[0]


class Actions(QObject):
    """The QActions of the window, by id.

    Attributes:
        held_keys: tells whether a key that triggers an action is being held.
        key_map: which keys each has.

    Signals:
        keys_changed(): actions have other keys.
    """

    keys_changed = Signal()

    def __init__(self, specs: Sequence[ActionSpec], theme: Theme, keymap: str = "reticle") -> None:
        super().__init__()
        self._specs = specs
        self.key_map = KeyMap(
            {spec.id: spec.keys for spec in specs}, frozenset(spec.id for spec in specs if spec.fixed)
        )
        self.held_keys = HeldKeys()
        self._theme = theme
        self._scope = LABEL
        self._when: dict[str, Callable[[], bool]] = {}
        self._held = 0
        self._is_due = False
        self._actions: dict[str, QAction] = {}
        for spec in self._specs:
            action = QAction(spec.text, self, checkable=spec.checkable)
            action.setObjectName(spec.id)
            if spec.short:
                action.setIconText(spec.short)
            action.setAutoRepeat(spec.repeat)
            if spec.where_focused:
                action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            if not spec.repeat:
                action.installEventFilter(self)
            action.setEnabled(False)
            self._actions[spec.id] = action
        self.use_keymap(keymap)
        self._paint_icons()
        theme.changed.connect(self._paint_icons)

    def __getitem__(self, action_id: str) -> QAction:
        return self._actions[action_id]

    @property
    def scope(self) -> str:
        """The page whose actions are enabled."""
        return self._scope

    def install(self, window: QWidget) -> None:
        """Let the shortcuts work anywhere in a window."""
        window.addActions(list(self._actions.values()))

    def bind(
        self, action_id: str, callback: Callable[[], object], *, when: Callable[[], bool] | None = None
    ) -> QAction:
        """Call ``callback`` when the action is triggered; ``when`` tells whether it makes sense now."""
        action = self._actions[action_id]
        action.triggered.connect(lambda _checked=False: self._run(callback))
        self._when[action_id] = when or (lambda: True)
        self.refresh()
        return action

    def show_scope(self, scope: str) -> None:
        """Enable the actions of one page and of the window, and no others."""
        self._scope = scope
        self.refresh()

    def refresh(self) -> None:
        """Ask each bound action again whether it makes sense."""
        if self._held:
            self._is_due = True
            return
        for spec in self._specs:
            bound = self._when.get(spec.id)
            in_scope = spec.scope in (GLOBAL, self._scope)
            self._actions[spec.id].setEnabled(bound is not None and in_scope and bound())

    @contextmanager
    def held(self) -> Iterator[None]:
        """Ask once at the end, however often something in between wants it: a step of many signals."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            if self._is_due and not self._held:
                self._is_due = False
                self.refresh()

    def use_keymap(self, preset: str, own: Mapping[str, Keys] | None = None) -> None:
        """Give every action the keys of a preset, or those of the user's own."""
        self.key_map = replace(self.key_map, preset=preset, own=own or {})
        for spec in self._specs:
            action = self._actions[spec.id]
            action.setShortcuts([QKeySequence(key) for key in self.key_map.keys(spec.id)])
            action.setToolTip(_tooltip(spec, action))
            action.setStatusTip(spec.tip)
        self.keys_changed.emit()

    def specs(self) -> list[tuple[ActionSpec, QAction]]:
        return [(spec, self._actions[spec.id]) for spec in self._specs]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """What may not repeat is deaf to its key while that is held, also where Qt does not see that it is."""
        if event.type() == QEvent.Type.Shortcut and self.held_keys.is_repeat:
            return True
        return super().eventFilter(watched, event)

    def _run(self, callback: Callable[[], object]) -> None:
        with self.held():
            callback()

    def _paint_icons(self) -> None:
        for spec in self._specs:
            if spec.icon:
                try:
                    icon = self._theme.icon(spec.icon)
                except Exception:  # noqa: BLE001 - what qtawesome raises for a name that it lacks, of a plug-in
                    _log.warning("%s has no icon: there is none called %r", spec.id, spec.icon)
                else:
                    self._actions[spec.id].setIcon(icon)


def key_text(action: QAction) -> str:
    """The first key of an action as this system writes it, "" for none."""
    return action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)


class ActionTip(QObject):
    """Keeps the tip of an action on a button that triggers it: it names the key, which may change."""

    def __init__(self, action: QAction, button: QAbstractButton) -> None:
        super().__init__(button)
        self._action, self._button = action, button
        action.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        self._button.setToolTip(self._action.toolTip())


def _tooltip(spec: ActionSpec, action: QAction) -> str:
    key = escape(key_text(action))
    title = f"<b>{spec.text}</b>" + (f" &nbsp;<span>{key}</span>" if key else "")
    return f"{title}<br>{spec.tip}" if spec.tip else title
