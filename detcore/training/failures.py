"""Why training gives up, in terms that the owner of the process acts on."""

from __future__ import annotations

from detcore.errors import ReticleError
from detcore.jobs.events import FailureKind


class TrainingError(ReticleError):
    """Training cannot go on."""

    def __init__(
        self,
        failure: FailureKind,
        message: str,
        *,
        hint: str = "",
        attempt: int = 0,
        elsewhere: bool = False,
    ) -> None:
        super().__init__(message, hint=hint or None)
        self.failure = failure
        self.attempt = attempt
        self.elsewhere = elsewhere
