"""Whether there is a screen to show a window on."""

from __future__ import annotations

import os
import sys


def has_screen() -> bool:
    return sys.platform in ("win32", "darwin") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
