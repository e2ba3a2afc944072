"""From the card of a detector to its network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, cast

from detcore.errors import ConfigError
from detcore.zoo.base import Detector
from detcore.zoo.catalogue import find_detector


def build_detector(
    model: str, *, num_classes: int, image_size: int, options: Mapping[str, Any] | None = None
) -> Detector:
    """A detector with random weights. ``image_size`` is the longer side in pixels.

    Raises:
        ConfigError: the detector is not installed, an option is wrong, or its code cannot be loaded.
    """
    spec = find_detector(model)
    chosen = spec.read_options(options or {})
    module, _, name = spec.build.partition(":")
    try:
        build = cast("Callable[[int, int, Any], object]", getattr(import_module(module), name))
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"the detector {model!r} cannot be loaded ({error})", hint="Install what it needs"
        ) from error
    detector = build(num_classes, image_size, chosen)
    if not isinstance(detector, Detector):
        raise ConfigError(f"{spec.build} gives no Detector", hint="Mend the plug-in")
    return detector
