"""Files of the learner's run, on a disk that may be full for a while."""

from __future__ import annotations

from collections.abc import Callable

from detcore.errors import disk_error

TRY_AGAIN_SECONDS = 5.0
"""After which what could not be written is tried again."""


class Room:
    """Writes files where there is room for them. Where there is none it ``says`` so, once until there is again."""

    def __init__(self, says: Callable[[str], None]) -> None:
        self._says = says
        self._told = False

    def write(self, write: Callable[[], None], *, kept: str) -> bool:
        """Whether it was written; what stays as it is where it was not, ``kept`` says."""
        try:
            write()
        except OSError as error:
            if not self._told:
                fault = disk_error(error)
                self._says(f"{fault.path}: {fault.message}. {kept}, and it tries again: free some space.")
            self._told = True
            return False
        self._told = False
        return True
