"""What goes on in each layer in one step of training."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from threading import Event as Flag
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from detcore.jobs import events
from detcore.jobs.events import LAYER_FIGURES, EndReason, Event
from detcore.training.trainer import Hook, Trainer
from detcore.types import FloatArray

Emit = Callable[[Event], None]
_NOTHING = 1e-6
_FIRST_LOOK, _LOOKS = 0.02, 10


class LayersHook(Hook):
    """Looks at one step whenever ``wanted`` is set, and about ten times in a run unasked.

    To look changes nothing of what is learnt; the step that is looked at takes longer.
    """

    def __init__(self, emit: Emit, wanted: Flag) -> None:
        self._emit = emit
        self._wanted = wanted
        self._watch: LayerWatch | None = None
        self._due = _FIRST_LOOK

    def before_training(self, trainer: Trainer) -> None:
        self._plan(trainer)

    def after_step(self, trainer: Trainer) -> None:
        if self._watch is not None:
            limit, length = trainer.config.longest_gradient, trainer.last.gradient
            figures = self._watch.figures(cut=min(1.0, limit / length) if length > 0 else 1.0)
            self._close()
            names = list(next(iter(figures.values())))
            columns = {name: list(column.values()) for name, column in figures.items()}
            self._emit(events.Layers(step=trainer.state.step, names=names, figures=columns))
        elif self._wanted.is_set() or trainer.fraction >= self._due:
            self._wanted.clear()
            self._plan(trainer)
            self._watch = LayerWatch(trainer.detector)

    def after_training(self, trainer: Trainer, reason: EndReason) -> None:
        self._close()

    def _plan(self, trainer: Trainer) -> None:
        """The next look that nobody has to ask for."""
        if trainer.fraction >= _FIRST_LOOK:
            self._due = (math.floor(trainer.fraction * _LOOKS) + 1) / _LOOKS

    def _close(self) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None


class LayerWatch:
    """Listens at the convolutions and linear layers of a detector that is trained, from now on until ``close``."""

    def __init__(self, detector: nn.Module) -> None:
        modules = cast("Iterable[tuple[str, nn.Module]]", detector.named_modules())
        self._layers = {name: module for name, module in modules if isinstance(module, nn.Conv2d | nn.Linear)}
        self._before = {
            name: layer.get_parameter("weight").detach().clone() for name, layer in self._layers.items()
        }
        self._inputs: dict[str, list[Tensor]] = {name: [] for name in self._layers}
        torch.compiler.set_stance("force_eager")  # stages that are compiled tell nothing of their layers
        self._handles = [
            layer.register_forward_pre_hook(self._listener(name)) for name, layer in self._layers.items()
        ]

    def close(self) -> None:
        for handle in self._handles:
            handle.remove()
        torch.compiler.set_stance("default")

    @torch.no_grad()
    def figures(self, *, cut: float) -> dict[str, dict[str, float | None]]:
        """A column for each of ``LAYER_FIGURES``, by name of layer, once a step is made. ``cut`` is what the
        gradients have been multiplied by since; a layer that is not called, or does not learn, has no figure."""
        rows: list[Tensor] = []
        for name, layer in self._layers.items():
            weight, before, heard = layer.get_parameter("weight"), self._before[name], self._inputs[name]
            nothing = weight.new_tensor(math.nan, dtype=torch.float32)
            inputs = torch.stack(heard).mean(dim=0) if heard else nothing.expand(4)
            gradient = nothing if weight.grad is None else _length(weight.grad) / cut
            update = _length(weight.detach() - before)
            rows.append(torch.cat([inputs, torch.stack([gradient, update]) / _length(before)]))
        # one transfer from the device for all of them
        table: FloatArray = torch.stack(rows).cpu().numpy().astype(np.float64)
        return {
            figure: {
                name: float(value) if math.isfinite(value) else None
                for name, value in zip(self._layers, table[:, column], strict=True)
            }
            for column, figure in enumerate(LAYER_FIGURES)
        }

    def _listener(self, name: str) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        def listen(layer: nn.Module, inputs: tuple[Any, ...]) -> None:
            if layer.training:  # the same network may be judged between two steps
                self._inputs[name].append(_look_at(inputs[0].detach().float()))

        return listen


@torch.no_grad()
def _look_at(values: Tensor) -> Tensor:
    """Mean, standard deviation, and the shares of zeros and of values at the upper end."""
    top = values.max()
    return torch.stack(
        [
            values.mean(),
            values.std(unbiased=False),
            (values.abs() < _NOTHING).float().mean(),
            ((values == top) & (top > _NOTHING)).float().mean(),
        ]
    )


def _length(values: Tensor) -> Tensor:
    return values.float().square().sum().sqrt()
