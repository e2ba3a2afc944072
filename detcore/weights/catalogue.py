"""The published weights that the cards of the detectors name."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import urlsplit

from detcore.errors import ConfigError
from detcore.zoo.catalogue import detectors
from detcore.zoo.spec import PublishedFile

_SUM_IN_NAME = re.compile(r"-[0-9a-f]{8,64}\.\w+$")
_OURS = "reticle"
_SIZE_ROUNDING = 1049
"""torchvision states sizes in thousandths of a MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsFile(PublishedFile):
    """A published file, and for which detector it is."""

    detector: str
    licence: str

    @property
    def file_name(self) -> str:
        """What the file is called here: as there, after its own name unless digits of its sum tell it from others, for
        publishers call many files alike."""
        there = posixpath.basename(urlsplit(self.url).path)
        return there if _SUM_IN_NAME.search(there) else f"{self.name}-{there}"

    @property
    def source(self) -> str:
        """Where it comes from: a host, or a Python package."""
        return self.package or urlsplit(self.url).hostname or ""

    @property
    def by_hand(self) -> str:
        """Where users find it themselves, for the end of a sentence."""
        return f"in the Python package {self.package}" if self.package else f"at {self.url}"

    @property
    def install_command(self) -> str:
        """What a user types to have it, where it comes in a package; else ""."""
        wanted = f"'reticle[{self.extra}]'" if self.extra else self.package
        return f"pip install {wanted}" if wanted else ""

    @property
    def is_ours(self) -> bool:
        """Whether it comes with Reticle itself."""
        return self.package == _OURS

    @property
    def installed(self) -> Path | None:
        """Where its package has put it; ``None`` where that is not installed, or there is none."""
        if not self.package:
            return None
        if self.is_ours:  # also where it runs from its sources, or packaged
            return Path(__file__).resolve().parents[2] / self.url
        try:
            return Path(str(distribution(self.package).locate_file(self.url)))
        except PackageNotFoundError:
            return None

    @property
    def size_text(self) -> str:
        return f"{self.size / 1e6:.1f} MB"

    @property
    def sum_text(self) -> str:
        """What the sum of a right file is."""
        return f"sha256 {self.sha256}" + ("" if len(self.sha256) == 64 else "…")

    def may_have(self, size: int) -> bool:
        """Whether a file of so many bytes can be it."""
        return abs(size - self.size) <= _SIZE_ROUNDING

    @property
    def most_bytes(self) -> int:
        """No file of more bytes is it."""
        return self.size + _SIZE_ROUNDING

    def has_sum(self, sha256: str) -> bool:
        """Whether a file of this sum is it."""
        return sha256.startswith(self.sha256)


@cache
def weights_files() -> Mapping[str, WeightsFile]:
    """All of them by name, those of the built-in detectors first; of two with one name the first."""
    found: dict[str, WeightsFile] = {}
    for spec in detectors().values():
        for file in spec.weights.files:
            card = {item.name: getattr(file, item.name) for item in fields(file)}
            found.setdefault(file.name, WeightsFile(detector=spec.id, licence=spec.weights.licence, **card))
    return found


def find_weights(name: str) -> WeightsFile:
    """Raises ConfigError where there are none of this name."""
    file = weights_files().get(name)
    if file is None:
        raise ConfigError(
            f"there are no published weights {name!r}", hint=f"There are {', '.join(weights_files())}"
        )
    return file


def weights_for(detector: str) -> tuple[WeightsFile, ...]:
    """Those that are for a detector."""
    return tuple(file for file in weights_files().values() if file.detector == detector)
