"""What the user can do on the Export page."""

from __future__ import annotations

from app.services.actions import ActionSpec

EXPORT_ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("export.start", "Export", ("Ctrl+Return",), icon="export-variant"),
)
