"""Gives one action another key: press it, read who has it now, take it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QCheckBox, QDialogButtonBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.services.actions import Actions, ActionSpec
from app.services.keymaps import Keys, key_name, portable_key
from app.shell.action_dialogs import SCOPE_TITLES
from app.widgets.fitted_dialog import FittedDialog

_LEAVES = (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter)


class KeyField(QLineEdit):
    """Shows the key that is pressed in it, instead of typing. Enter, Esc and Tab do in it what they do in any field.

    Signals:
        pressed(str): a key, in portable text.
    """

    pressed = Signal(str)

    def __init__(self) -> None:
        super().__init__(readOnly=True, placeholderText="Press the new key")
        self.setAccessibleName("The new key")
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()  # no shortcut of the dialog comes before it
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = _key(event)
        if not _modifiers(event) and event.key() in _LEAVES:
            super().keyPressEvent(event)
        elif key and not event.isAutoRepeat():
            self.pressed.emit(key)


class ChangeKeyDialog(FittedDialog):
    """Asks for the keys of an action; nothing is taken from another one before the user says so.

    Signals:
        keys_chosen(object): the keys that it is to have, a tuple of portable texts.
    """

    keys_chosen = Signal(object)

    def __init__(self, actions: Actions, spec: ActionSpec, parent: QWidget) -> None:
        super().__init__(parent)
        self._actions, self._spec = actions, spec
        self._key_map = actions.key_map
        self._has = self._key_map.keys(spec.id)
        self._pressed = ""
        self._wanted: Keys = self._has
        self.setWindowTitle("Change key")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(440, 0)
        title = QLabel(f"{spec.text} ({SCOPE_TITLES[spec.scope]})", wordWrap=True)
        title.setProperty("role", "title")
        self.field = KeyField()
        self.keep = QCheckBox(f"Keep {_names(self._has)} as well")
        self.keep.setVisible(bool(self._has))
        self.said = QLabel(
            f"Now it is {_names(self._has)}." if self._has else "It has no key.", wordWrap=True
        )
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        self.take = buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.none = buttons.addButton("No key", QDialogButtonBox.ButtonRole.ActionRole)
        self.reset = buttons.addButton("Reset", QDialogButtonBox.ButtonRole.ActionRole)
        self.none.setEnabled(bool(self._has))
        self.reset.setEnabled(self._has != self._key_map.preset_keys(spec.id))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        for widget in (title, self.field, self.keep, self.said, buttons):
            layout.addWidget(widget)
        self.field.pressed.connect(self._press)
        self.keep.toggled.connect(lambda _checked: self._press(self._pressed))
        self.none.clicked.connect(lambda: self._propose(()))
        self.reset.clicked.connect(lambda: self._propose(self._key_map.preset_keys(spec.id)))
        buttons.accepted.connect(self._accept)
        buttons.rejected.connect(self.reject)
        self.take.setText("Use it")
        self.take.setEnabled(False)
        self.field.setFocus()

    def _press(self, key: str) -> None:
        if not key:
            return
        self._pressed = key
        others = tuple(had for had in self._has if had != key) if self.keep.isChecked() else ()
        self._propose((key, *others))

    def _propose(self, keys: Keys) -> None:
        """Show keys and what they would take from others."""
        self._wanted = keys
        self.field.setText(_names(keys) or "No key")
        refusals = [reason for key in keys if (reason := self._key_map.why_not(self._spec.id, key))]
        losses = [f"{key_name(key)} is {self._holders(key)}" for key in keys if self._holders(key)]
        if refusals:
            self.said.setText(f"{refusals[0]} Press another key.")
        elif losses:
            self.said.setText(f"{'; '.join(losses)}; take it from there?")
        else:
            self.said.setText("It has that already." if keys == self._has else "")
        self.take.setEnabled(keys != self._has and not refusals)
        self.take.setText("Take it" if losses and not refusals else "Use it")

    def _holders(self, key: str) -> str:
        """The other actions that have a key, with their page where that is another one."""
        texts: list[str] = []
        for spec, _ in self._actions.specs():
            if spec.id in self._key_map.holders(self._spec.id, key):
                page = "" if spec.scope == self._spec.scope else f" ({SCOPE_TITLES[spec.scope]})"
                texts.append(f"{spec.text}{page}")
        return " and ".join(texts)

    def _accept(self) -> None:
        self.keys_chosen.emit(self._wanted)
        self.accept()


def _names(keys: Keys) -> str:
    return ", ".join(key_name(key) for key in keys)


def _modifiers(event: QKeyEvent) -> Qt.KeyboardModifier:
    """Those that are held; that a key is on the keypad is none."""
    return event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier


def _key(event: QKeyEvent) -> str:
    """What was pressed, in portable text; "" for a modifier alone."""
    modifiers = _modifiers(event)
    text = event.text()
    if (
        modifiers == Qt.KeyboardModifier.ShiftModifier
        and text.isprintable()
        and text.strip()
        and not text.isalpha()
    ):
        modifiers = Qt.KeyboardModifier.NoModifier  # Shift typed the sign, as in “?”
    return portable_key(QKeySequence(event.key() | modifiers.value).toString())
