"""An export as it was chosen at one moment; whatever is opened or ticked afterwards changes nothing of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from app.services.tasks import ProgressCallback
from detcore.exchange import export_dataset
from detcore.formats.base import ExportOptions, ExportReport
from detcore.project.project import Project


@dataclass(frozen=True, kw_only=True)
class ExportChoice:
    """``splits`` is ``None`` for all images; ``colors`` are those of the classes by name."""

    project: Project
    format: str
    splits: list[str] | None
    options: ExportOptions
    colors: Mapping[str, str]

    def write(self, folder: Path, progress: ProgressCallback, *, copy_images: bool = True) -> ExportReport:
        """Write the dataset, in the pool. Raises ReticleError, Cancelled among it."""
        options = replace(self.options, copy_images=self.options.copy_images and copy_images)
        return export_dataset(
            self.project, self.format, folder, splits=self.splits, options=options, progress=progress
        )
