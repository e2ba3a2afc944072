"""A lock that goes to whoever has waited longest."""

from __future__ import annotations

import threading
from collections import deque
from types import TracebackType


class FairLock:
    """Between two slices of long work another thread gets its turn: ``threading.Lock`` would mostly go back to
    the one that has just let it go, which is still running while the other has to wake up."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held = False
        self._turns: deque[threading.Lock] = deque()

    @property
    def is_wanted(self) -> bool:
        """Whether somebody waits for it."""
        return bool(self._turns)

    def __enter__(self) -> None:
        with self._guard:
            if not self._held:
                self._held = True
                return
            turn = threading.Lock()
            turn.acquire()
            self._turns.append(turn)
        try:
            turn.acquire()
        except BaseException:  # Ctrl+C while waiting
            with self._guard:
                waiting = turn in self._turns
                if waiting:
                    self._turns.remove(turn)
            if not waiting:
                self._pass_on()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        """Hand it to the next one, for whom it stays held, or let it go."""
        with self._guard:
            if self._turns:
                self._turns.popleft().release()
            else:
                self._held = False
