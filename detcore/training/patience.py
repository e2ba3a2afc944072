"""What follows when validations bring no better AP: a lower learning rate, then the end."""

from __future__ import annotations

from collections.abc import Callable

from detcore.jobs import events
from detcore.jobs.events import Event
from detcore.training.trainer import Hook, Trainer
from detcore.wording import counted

Emit = Callable[[Event], None]


class PatienceHook(Hook):
    """Counts validations without a better AP. After more than the patience of a plateau the learning rate falls, as
    torch's ``ReduceLROnPlateau`` does with a threshold of 0; after ``stop_after`` of them the run completes. The counts
    are in the run's state, so that one that goes on waits as long as one that was never stopped.
    """

    def __init__(self, emit: Emit) -> None:
        self._emit = emit

    def before_training(self, trainer: Trainer) -> None:
        stop_after = trainer.config.optimisation.stop_after
        if stop_after is not None and trainer.state.unimproved >= stop_after:
            trainer.end_early()  # the process ended between the last validation and the end

    def after_validation(self, trainer: Trainer, ap: float) -> None:
        state, chosen = trainer.state, trainer.config.optimisation
        if state.patient_ap is None or ap > state.patient_ap:
            state.patient_ap, state.unimproved, state.waited = ap, 0, 0
            return
        state.unimproved += 1
        state.waited += 1
        if trainer.config.recipe.schedule == "plateau" and state.waited > chosen.plateau_patience:
            state.rate_drops, state.waited = state.rate_drops + 1, 0
            self._say(f"No better AP in {counted(state.unimproved, 'validation')}: the learning rate falls.")
        if chosen.stop_after is not None and state.unimproved >= chosen.stop_after:
            self._say(
                f"Ended early: {counted(state.unimproved, 'validation')} in a row brought no better AP "
                f"than {state.patient_ap:.3f}."
            )
            trainer.end_early()

    def _say(self, text: str) -> None:
        self._emit(events.Log(level="info", text=text))
