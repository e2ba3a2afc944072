"""Names that a file can have elsewhere and not on Windows."""

from __future__ import annotations

import re

_FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]')
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|(com|lpt)[0-9¹²³])(\..*)?")


def fits_windows(name: str) -> bool:
    """Whether Windows can hold a file of that posix path: no reserved characters, no name of a device, no dot or space
    at the end of a part."""
    return not any(
        _FORBIDDEN.search(part) or _DEVICES.fullmatch(part) or part[-1:] in {".", " "}
        for part in name.split("/")
    )
