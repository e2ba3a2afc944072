"""Layers that stay as they are for a share of the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from torch import nn

from detcore.errors import ConfigError
from detcore.zoo.spec import by_beginning


class Freezing:
    """Which layers of a detector learn, by how far the run has come: a resumed run has the same ones.

    What is frozen has no gradient, so backward does not go through what lies before the first layer that learns; its
    layers behave as at prediction, so that batch norms keep their statistics.
    """

    def __init__(self, detector: nn.Module, until: Mapping[str, float]) -> None:
        """``until`` has shares of the run, by the beginnings of names, as in ``Recipe.frozen``.

        Raises:
            ConfigError: no parameter has a name that one of them begins, or all are frozen to begin with.
        """
        named = dict(detector.named_parameters())
        for start in until:
            if not any(name.startswith(start) for name in named):
                raise ConfigError(
                    f"there is nothing to freeze whose name begins with {start!r}",
                    hint=f"Names of this detector begin with {', '.join(_beginnings(named))}",
                )
        self._parameters = [(item, by_beginning(until, name, without=0.0)) for name, item in named.items()]
        if all(share > 0 for _, share in self._parameters):
            raise ConfigError(
                "all layers are frozen, so nothing would be learnt", hint="Freeze fewer of them"
            )
        # Leaves alone: in detectors as a whole the mode decides what they answer.
        modules = cast("Iterable[tuple[str, nn.Module]]", detector.named_modules())
        self._layers = [
            (name, by_beginning(until, f"{name}.", without=0.0))
            for name, layer in modules
            if not any(layer.children())
        ]
        self._detector = detector
        self._frozen: int | None = None

    def hold(self, fraction: float) -> bool:
        """Freeze what is to be frozen at this share of the run, of a detector in training mode. Whether others learn
        than at the call before; at the first it is true."""
        for name, share in self._layers:
            if fraction < share:
                # by its name: several processes put other norms in the place of those that there were
                self._detector.get_submodule(name).training = False
        before, self._frozen = self._frozen, sum(fraction < share for _, share in self._parameters)
        if self._frozen == before:
            return False
        for parameter, share in self._parameters:
            parameter.requires_grad_(fraction >= share)
        return True


def _beginnings(names: Iterable[str]) -> list[str]:
    """Of names with several parts the first two, each once."""
    return list(dict.fromkeys(".".join(name.split(".")[:2]) for name in names))
