"""Prints the Debian packages of the shared libraries that Qt needs and this system lacks, on one line.

Prints nothing where all are there, and on systems other than Linux, where Qt brings what it needs.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

ALWAYS = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libgssapi_krb5.so.2": "libgssapi-krb5-2",
}
"""Needed by every Qt program, with a screen or without."""

ON_X11 = {
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
"""Needed by the window on an X11 screen."""

ON_WAYLAND = {
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
}
"""Needed by the window on a Wayland screen."""

FONT_PACKAGE = "fonts-dejavu-core"
FONT_SUFFIXES = {".ttf", ".otf", ".ttc", ".pfb"}


def is_there(library: str) -> bool:
    """Whether the loader finds a shared library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def has_fonts() -> bool:
    """Whether any font that Qt can draw with is installed."""
    data_home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    folders = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts")]
    folders += [Path(data_home) / "fonts", Path.home() / ".fonts"]
    return any(path.suffix.lower() in FONT_SUFFIXES for folder in folders for path in folder.rglob("*"))


def missing_packages() -> list[str]:
    """Debian's names of what is missing here."""
    needed = dict(ALWAYS)
    if os.environ.get("DISPLAY"):
        needed |= ON_X11
    if os.environ.get("WAYLAND_DISPLAY"):
        needed |= ON_WAYLAND
    packages = [package for library, package in needed.items() if not is_there(library)]
    if not has_fonts():
        packages.append(FONT_PACKAGE)
    return packages


if __name__ == "__main__":
    if sys.platform == "linux":
        sys.stdout.write(" ".join(missing_packages()))
