"""Stretches: from the start of a run to its end, and from there to each later end that it is given.

A run that is done can be trained for longer. What is added has a schedule of its own, from the best weights: a
warm-up, then down again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from detcore.jobs.settings.learning import Learning
from detcore.training.schedule import FINE_TUNING
from detcore.zoo.checkpoint import Checkpoint, RunState, newest_checkpoint


def fraction_done(state: RunState, learning: Learning, *, images: int) -> float:
    """The share of the stretch that is done, 0..1; ``images`` are those of a pass."""
    begin, now, end = _places(state, learning, images)
    return min(1.0, (now - begin) / (end - begin)) if now < end else 1.0


def highest_rate(state: RunState, learning: Learning, *, images: int) -> float:
    """The share of the learning rate that the stretch rises to: what is added by the whole that it makes with what went
    before, so that ten minutes after ten have half the rate; a fifth at least."""
    begin, _, end = _places(state, learning, images)
    return max(FINE_TUNING, 1.0 - begin / end)


def go_beyond(
    last: Checkpoint, learning: Learning, *, images: int, best: Path, say: Callable[[str], None]
) -> Checkpoint:
    """What a run goes on from: ``last``, or where it is done and has been given more, the ``best`` weights with the
    beginning of a stretch, which is told."""
    state = last.state
    if not state.complete or fraction_done(state, learning, images=images) >= 1.0:
        return last
    begin_stretch(state)
    found, _ = newest_checkpoint([best] if state.best_ap is not None else [])
    share = highest_rate(state, learning, images=images)
    fits = found is not None and (found.image_size, found.options) == (last.image_size, last.options)
    step = state.best_step if fits else state.step
    say(f"Goes on from the weights of step {step:,}; the learning rate rises to {share:.0%} and falls again.")
    return replace(found, state=state) if found is not None and fits else last


def begin_stretch(state: RunState) -> None:
    """Let a run that is done go on."""
    state.complete = False
    state.from_step, state.from_drawn, state.from_seconds = state.step, state.drawn, state.seconds
    state.full_from, state.whole_from = 0, None
    state.judge_at = state.patient_ap = None
    state.unimproved = state.waited = state.rate_drops = 0


def _places(state: RunState, learning: Learning, images: int) -> tuple[float, float, float]:
    """Where the stretch begins, where it is, and where it ends, in seconds or in passes over the images."""
    if learning.minutes is not None:
        return state.from_seconds, state.seconds, 60.0 * learning.minutes
    return state.from_drawn / images, state.drawn / images, float(learning.epochs or 1)
