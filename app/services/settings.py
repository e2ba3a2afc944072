"""What the user has chosen for the program as a whole, kept by QSettings.

What belongs to one project (the last image, the zoom) lives in the project instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QByteArray, QObject, QSettings, Signal

RECENT_PROJECTS = 8


class Settings(QObject):
    """Typed access to the program's settings.

    Signals:
        changed(str): the name of the setting that has a new value.
    """

    changed = Signal(str)

    def __init__(self, store: QSettings | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store if store is not None else QSettings("Reticle", "Reticle")

    @property
    def theme(self) -> str:
        """``system``, ``light`` or ``dark``."""
        return str(self._store.value("theme", "system"))

    @theme.setter
    def theme(self, name: str) -> None:
        self._set("theme", name)

    @property
    def keymap(self) -> str:
        return str(self._store.value("keymap", "reticle"))

    @keymap.setter
    def keymap(self, name: str) -> None:
        self._set("keymap", name)

    @property
    def key_bindings(self) -> str:
        """The user's own keys, as ``keymaps.write_bindings`` writes them."""
        return str(self._store.value("key_bindings", ""))

    @key_bindings.setter
    def key_bindings(self, text: str) -> None:
        self._set("key_bindings", text)

    @property
    def keep_zoom(self) -> bool:
        """Whether the next image is shown at the same zoom and place."""
        return self._flag("keep_zoom", default=False)

    @keep_zoom.setter
    def keep_zoom(self, keep: bool) -> None:
        self._set_flag("keep_zoom", keep)

    @property
    def list_pictures(self) -> bool:
        """Whether the list of images has small pictures."""
        return self._flag("list_pictures", default=True)

    @list_pictures.setter
    def list_pictures(self, shown: bool) -> None:
        self._set_flag("list_pictures", shown)

    @property
    def show_proposals(self) -> bool:
        """Whether what a run has found lies on the images that are labelled."""
        return self._flag("show_proposals", default=True)

    @show_proposals.setter
    def show_proposals(self, shown: bool) -> None:
        self._set_flag("show_proposals", shown)

    @property
    def proposal_precision(self) -> float | None:
        """How large a share of proposals is to be right at first; ``None``: where F1 is best."""
        return self._number("proposal_precision")

    @proposal_precision.setter
    def proposal_precision(self, share: float | None) -> None:
        self._set("proposal_precision", "" if share is None else repr(share))

    @property
    def proposals_by_class(self) -> bool:
        """Whether each class has a score of its own from which it is proposed."""
        return self._flag("proposals_by_class", default=False)

    @proposals_by_class.setter
    def proposals_by_class(self, own: bool) -> None:
        self._set_flag("proposals_by_class", own)

    @property
    def learn_while_labelling(self) -> bool | None:
        """Whether a detector learns beside the window; ``None`` as long as nobody has said."""
        known = self._store.contains("learn_while_labelling")
        return self._flag("learn_while_labelling", default=False) if known else None

    @learn_while_labelling.setter
    def learn_while_labelling(self, wanted: bool) -> None:
        self._set_flag("learn_while_labelling", wanted)

    @property
    def learn_on_battery(self) -> bool:
        """Whether it learns without a power supply."""
        return self._flag("learn_on_battery", default=False)

    @learn_on_battery.setter
    def learn_on_battery(self, wanted: bool) -> None:
        self._set_flag("learn_on_battery", wanted)

    @property
    def follow_sequences(self) -> bool:
        """Whether labels of a frame are proposed on the next one."""
        return self._flag("follow_sequences", default=True)

    @follow_sequences.setter
    def follow_sequences(self, following: bool) -> None:
        self._set_flag("follow_sequences", following)

    @property
    def suggest_classes(self) -> bool:
        """Whether the classes that a box may have are shown when it is drawn."""
        return self._flag("suggest_classes", default=True)

    @suggest_classes.setter
    def suggest_classes(self, suggested: bool) -> None:
        self._set_flag("suggest_classes", suggested)

    def speed(self, model: str) -> float | None:
        """How many images a detector looks at in a second on this machine; ``None`` where that was not measured."""
        return self._number(f"speed/{model}")

    def set_speed(self, model: str, images_a_second: float) -> None:
        self._set(f"speed/{model}", repr(images_a_second))

    @property
    def recent_projects(self) -> list[Path]:
        """Most recent first; those that are gone are left out."""
        return [path for path in self.known_projects if path.is_dir()]

    @property
    def known_projects(self) -> list[Path]:
        """Those that were open lately, most recent first, whether they are still there or not."""
        stored = self._store.value("recent_projects", [])
        names: Sequence[object] = [stored] if isinstance(stored, str) else (stored or [])  # type: ignore[assignment]
        return [Path(str(name)) for name in names]

    def remember_project(self, folder: Path) -> None:
        others = [path for path in self.recent_projects if path != folder]
        self._set("recent_projects", [str(path) for path in [folder, *others][:RECENT_PROJECTS]])

    def layout(self, name: str) -> QByteArray | None:
        """Geometry or dock state stored under ``name``."""
        value = self._store.value(f"layout/{name}")
        return value if isinstance(value, QByteArray) else None

    def set_layout(self, name: str, state: QByteArray) -> None:
        self._store.setValue(f"layout/{name}", state)

    def _flag(self, name: str, *, default: bool) -> bool:
        return str(self._store.value(name, "true" if default else "false")) == "true"

    def _set_flag(self, name: str, value: bool) -> None:
        self._set(name, "true" if value else "false")

    def _number(self, name: str) -> float | None:
        """``None`` also where something else stands there."""
        value = str(self._store.value(name, ""))
        try:
            return float(value) if value else None
        except ValueError:
            return None

    def _set(self, name: str, value: object) -> None:
        self._store.setValue(name, value)
        self.changed.emit(name)
