"""Time that passes only when something is said to take it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest


class Clock:
    """What training takes for the time; ``now`` in seconds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        for module in ("trainer", "judging", "validation", "hooks"):
            monkeypatch.setattr(
                f"detcore.training.{module}.time", SimpleNamespace(monotonic=lambda: self.now)
            )
