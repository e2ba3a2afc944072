"""The hooks that tell how a run learns, for those who watch it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event as Flag

from detcore.jobs.events import Event
from detcore.training.class_losses import ClassLossesHook
from detcore.training.hard_batches import HardBatchHook
from detcore.training.hooks import MetricsHook
from detcore.training.layers import LayersHook
from detcore.training.pace import Cost, TimeLeft
from detcore.training.trainer import Hook
from detcore.types import ObjectClass


def watching_hooks(
    emit: Callable[[Event], None],
    *,
    measure: Flag,
    costs: Sequence[Cost] | None,
    classes: Sequence[ObjectClass],
) -> list[Hook]:
    """Figures of the steps with the time that is left, layers when ``measure`` is set, the hardest batches, and the loss
    of each of the ``classes``.

    ``costs`` are what takes time besides learning; ``None`` of a run without an end.
    """
    time_left = None if costs is None else TimeLeft(costs)
    return [
        *([] if time_left is None else [time_left]),
        MetricsHook(emit, time_left),
        LayersHook(emit, measure),
        HardBatchHook(emit),
        ClassLossesHook(emit, [item.name for item in classes]),
    ]
