"""What weights say of the network that they fit: a training that starts from them builds that one, unless the user wants another."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from detcore.errors import ConfigError
from detcore.project.run_weights import detector_of
from detcore.weights.catalogue import weights_files
from detcore.zoo.catalogue import find_detector


def start_options(weights: str, detector: str) -> dict[str, Any]:
    """The options of a detector that go with weights: published ones, by their name, have those that matter to them, a file of a
    run has all. None where they are of another detector or say nothing of it."""
    published = weights_files().get(weights)
    if published is not None:
        return dict(published.options) if published.detector == detector else {}
    found = detector_of(Path(weights))
    if found is None or found.id != detector:
        return {}
    try:
        return asdict(find_detector(detector).read_options(found.options))
    except ConfigError:  # the card had other options when that run was made
        return {}
