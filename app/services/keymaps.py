"""Keymap presets: the keys of other tools, where they are not those that the actions declare."""

from __future__ import annotations

from collections.abc import Mapping

KEYMAPS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "reticle": {},
    "labelImg": {
        "label.draw_tool": ("W",),
        "label.edit_class": ("Ctrl+E",),
        "label.difficult": ("Ctrl+Shift+K",),
    },
    "labelme": {
        "label.draw_tool": ("Ctrl+R",),
        "label.toggle_verified": (),
        "label.actual_size": ("Ctrl+Shift+0",),
    },
    "X-AnyLabeling": {
        "label.draw_tool": ("R",),
        "label.edit_class": ("Ctrl+E",),
        "label.boxes": ("Ctrl+H",),
        "label.names": ("Ctrl+L",),
    },
    "CVAT": {
        "label.next_image": ("F",),
        "label.previous_image": ("D",),
        "label.fit": ("Ctrl+0",),
        "label.draw_tool": ("N",),
    },
}
