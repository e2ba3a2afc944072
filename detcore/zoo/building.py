"""From the card of a detector to its network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, cast

from detcore.errors import ConfigError
from detcore.zoo.base import DenseNet, Detector
from detcore.zoo.catalogue import find_detector, not_deployable
from detcore.zoo.installed import missing_for


def build_detector(
    model: str, *, num_classes: int, image_size: int, options: Mapping[str, Any] | None = None
) -> Detector:
    """A detector with random weights. ``image_size`` is the longer side in pixels.

    Raises:
        ConfigError: the detector, or a package that it needs, is not installed, an option is wrong, or its code cannot be loaded.
    """
    spec = find_detector(model)
    if (missing := missing_for(spec)) is not None:
        raise missing
    chosen = spec.read_options(options or {})
    detector = _load(model, spec.build)(num_classes, image_size, chosen)
    if not isinstance(detector, Detector):
        raise ConfigError(f"{spec.build} gives no Detector", hint="Mend the plug-in")
    return detector


def build_dense(model: str, detector: Detector, *, image_size: int) -> DenseNet:
    """A detector of ``model`` as it leaves the program, in evaluation mode; it shares the weights.

    Raises:
        ConfigError: it cannot leave the program, or its code cannot be loaded.
    """
    spec = find_detector(model)
    if not spec.deploy:
        raise not_deployable(spec)
    dense = _load(model, spec.deploy)(detector.eval(), image_size)
    if not isinstance(dense, DenseNet):
        raise ConfigError(f"{spec.deploy} gives no DenseNet", hint="Mend the plug-in")
    dense.net.eval()
    return dense


def _load(model: str, place: str) -> Callable[..., object]:
    """The function at ``"module:function"``."""
    module, _, name = place.partition(":")
    try:
        return cast("Callable[..., object]", getattr(import_module(module), name))
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"the detector {model!r} cannot be loaded ({error})", hint="Install what it needs"
        ) from error
