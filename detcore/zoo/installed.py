"""Whether what a detector stands on is installed here. Free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

from detcore.errors import ConfigError
from detcore.jobs.program import missing_for_training
from detcore.zoo.spec import DetectorSpec

_PACKAGES: Mapping[str, tuple[str, ...]] = {
    "timm": ("timm",),
    "detr": ("transformers", "timm", "scipy"),
}
"""What detectors need, by the extra of Reticle that brings it."""


def missing_for(spec: DetectorSpec) -> ConfigError | None:
    """What keeps this installation from training a detector: PyTorch, or a package that its network stands on, which an extra
    brings, or a plug-in."""
    package = spec.build.partition(":")[0].partition(".")[0]
    if find_spec(package) is None:
        return ConfigError(
            f"{package}, the package that {spec.title} is built by, is not installed",
            hint="Install what its plug-in asks for",
        )
    for needed in _PACKAGES.get(spec.extra, ()):
        if find_spec(needed) is None:
            return ConfigError(
                f"{needed}, which {spec.title} needs, is not installed",
                hint=f"Install it with: pip install 'reticle[{spec.extra}]'",
            )
    return missing_for_training()
