"""What Reticle knows of a canvas tool: its declaration, free of Qt."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ToolSpec:
    """From it the Label page has an action ``label.ID_tool``, with a button, a line in the menu and a key.

    ``build`` is ``"module:name"``, called without arguments each time the tool is taken, and gives a ``Tool``.
    """

    id: str  # a Python identifier
    title: str
    build: str
    short: str = ""  # the title in tool bars
    tip: str = ""
    icon: str = ""  # the name of a Material Design icon
    keys: tuple[str, ...] = ()  # portable key sequences, the first is shown
    edits: bool = True  # whether there is nothing to do with it where boxes may only be looked at

    def __post_init__(self) -> None:
        if not self.id.isidentifier():
            raise ValueError(f"the id {self.id!r} of a tool is no identifier")
