"""Colours, sizes and icons: the tokens of the look, light and dark, and how they reach Qt."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from string import Template

import pyqtgraph
import qtawesome
from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QGuiApplication, QIcon, QPalette
from PySide6.QtWidgets import QApplication

STYLES = Path(__file__).resolve().parents[2] / "resources" / "styles"

TRUE_POSITIVE = "#1B9E77"
FALSE_POSITIVE = "#D95F02"
FALSE_NEGATIVE = "#7570B3"
NEUTRAL = "#9AA0A8"

CONTROL_HEIGHT = 28
ANY_LENGTH = (1 << 24) - 1
"""What Qt takes for no limit of a width or height."""
ICON_SIZE = QSize(20, 20)
SMALL_TEXT, BASE_TEXT, LARGE_TEXT = 11, 13, 18

_LINE_CONTRAST, _STEPS = 3.05, 40


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """Colours of one theme.

    Texts (``text``, ``text_muted``, ``accent_text``, ``danger``, ``warning``, ``success``, ``tp``, ``fp``,
    ``fn``) reach 4.5:1 on every surface, ``on_accent`` does on ``accent``; ``line_strong`` reaches 3:1 on
    every surface. ``accent`` fills; as a line it reaches 3:1 on window, panel and field.
    """

    name: str
    window: str
    panel: str
    raised: str
    field: str
    surround: str
    line: str
    line_strong: str
    text: str
    text_muted: str
    accent: str
    accent_hover: str
    accent_text: str
    on_accent: str
    selection: str
    hover: str
    danger: str
    warning: str
    success: str
    tp: str
    fp: str
    fn: str


LIGHT = Tokens(
    name="light",
    window="#f3f4f6",
    panel="#ffffff",
    raised="#ffffff",
    field="#ffffff",
    surround="#c9cbcf",
    line="#dfe1e6",
    line_strong="#7d848e",
    text="#1c2026",
    text_muted="#5a626e",
    accent="#1f66d1",
    accent_hover="#1957b5",
    accent_text="#1957b5",
    on_accent="#ffffff",
    selection="#dbe8fb",
    hover="#eceef2",
    danger="#b3261e",
    warning="#8a5300",
    success="#12704f",
    tp="#0f7052",
    fp="#a34600",
    fn="#5f5a9e",
)

DARK = Tokens(
    name="dark",
    window="#1b1d21",
    panel="#22252a",
    raised="#2b2f35",
    field="#191b1f",
    surround="#121316",
    line="#343941",
    line_strong="#868e9a",
    text="#e7e9ed",
    text_muted="#a3abb7",
    accent="#2f6fd6",
    accent_hover="#3673d6",
    accent_text="#8ab8ff",
    on_accent="#ffffff",
    selection="#263f66",
    hover="#2f343b",
    danger="#ff8a80",
    warning="#f2b155",
    success="#4cc79b",
    tp="#41c298",
    fp="#f5974f",
    fn="#aaa5ea",
)


class Theme(QObject):
    """The theme in force, and the only place that gives out icons.

    Signals:
        changed(): tokens are new; widgets that paint with them repaint and fetch icons again.
    """

    changed = Signal()

    def __init__(self, app: QApplication, choice: str = "system") -> None:
        super().__init__(app)
        self._app = app
        self._choice = choice
        self.tokens = LIGHT
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._follow_system)
        self.apply(choice)

    def apply(self, choice: str) -> None:
        """Show ``light``, ``dark`` or whatever the ``system`` shows."""
        self._choice = choice
        dark = choice == "dark" or (choice == "system" and self._system_is_dark())
        self.tokens = DARK if dark else LIGHT
        font = QFont(self._app.font())
        font.setPixelSize(BASE_TEXT)
        self._app.setFont(font)
        self._app.setStyle("Fusion")
        self._app.setPalette(_palette(self.tokens))
        self._app.setStyleSheet(_style_sheet(self.tokens))
        pyqtgraph.setConfigOptions(
            background=self.tokens.panel, foreground=self.tokens.text_muted, antialias=True
        )
        self.changed.emit()

    @contextmanager
    def put_on_last(self) -> Generator[None, None, None]:
        """While the block lasts widgets are made without the style sheet, and get it together at its end. Else each would be
        styled again whenever it is put into another one, which takes longer than making them."""
        self._app.setStyleSheet("")
        try:
            yield
        finally:
            self._app.setStyleSheet(_style_sheet(self.tokens))

    def icon(self, name: str, *, color: str | None = None) -> QIcon:
        """The Material Design icon ``name`` (``crop-free``, ``play`` …) in the theme's colours."""
        tokens = self.tokens
        return qtawesome.icon(
            f"mdi6.{name}",
            color=color or tokens.text_muted,
            color_active=color or tokens.text,
            color_on=color or tokens.accent_text,
            color_selected=color or tokens.text,
            color_disabled=tokens.line_strong,
        )

    def color(self, token: str) -> QColor:
        return QColor(getattr(self.tokens, token))

    def _follow_system(self) -> None:
        if self._choice == "system":
            self.apply("system")

    @staticmethod
    def _system_is_dark() -> bool:
        return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark


def text_on(color: QColor) -> QColor:
    """Black or white, whichever reads better on ``color`` (WCAG relative luminance)."""
    return QColor("#000000") if _luminance(color) > 0.179 else QColor("#ffffff")


def visible_on(color: QColor, background: QColor) -> QColor:
    """``color``, as much darker or lighter as a line needs to be seen on ``background`` (WCAG 2.2,
    1.4.11)."""
    return QColor.fromRgba(_visible_on(color.rgba(), background.rgba()))


@lru_cache(maxsize=4096)
def _visible_on(foreground: int, behind_it: int) -> int:
    color, background = QColor.fromRgba(foreground), QColor.fromRgba(behind_it)
    behind = _luminance(background)
    end = QColor("#000000") if behind > 0.179 else QColor("#ffffff")
    for step in range(_STEPS + 1):
        mixed = _mixed(color, end, step / _STEPS)
        darker, lighter = sorted((_luminance(mixed), behind))
        if (lighter + 0.05) / (darker + 0.05) >= _LINE_CONTRAST:
            return mixed.rgba()
    return end.rgba()


def _mixed(color: QColor, other: QColor, share: float) -> QColor:
    if not share:
        return color
    pairs = zip(
        (color.red(), color.green(), color.blue()),
        (other.red(), other.green(), other.blue()),
        strict=True,
    )
    return QColor(*(round(one + (two - one) * share) for one, two in pairs))


def _luminance(color: QColor) -> float:
    def linear(channel: float) -> float:
        return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(channel) for channel in (color.redF(), color.greenF(), color.blueF()))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _palette(tokens: Tokens) -> QPalette:
    role = QPalette.ColorRole
    palette = QPalette()
    for target, color in {
        role.Window: tokens.window,
        role.WindowText: tokens.text,
        role.Base: tokens.field,
        role.AlternateBase: tokens.panel,
        role.Text: tokens.text,
        role.Button: tokens.raised,
        role.ButtonText: tokens.text,
        role.Highlight: tokens.selection,
        role.HighlightedText: tokens.text,
        role.ToolTipBase: tokens.raised,
        role.ToolTipText: tokens.text,
        role.PlaceholderText: tokens.text_muted,
        role.Link: tokens.accent_text,
        role.Mid: tokens.line,
        role.Light: tokens.panel,
    }.items():
        palette.setColor(target, QColor(color))
    for target in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, target, QColor(tokens.line_strong))
    return palette


def _style_sheet(tokens: Tokens) -> str:
    values = {item.name: getattr(tokens, item.name) for item in fields(tokens)}
    template = (STYLES / "reticle.qss").read_text(encoding="utf-8")
    return Template(template).substitute(values, icons=(STYLES / tokens.name).as_posix())
