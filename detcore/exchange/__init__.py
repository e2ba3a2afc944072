"""Between datasets on disk and a project: import and export."""

from __future__ import annotations

from detcore.exchange.admission import ImportOptions
from detcore.exchange.exports import export_dataset
from detcore.exchange.formats import format_named
from detcore.exchange.imports import FoundDataset, ImportReport, find_dataset, import_dataset, import_found

__all__ = [
    "FoundDataset",
    "ImportOptions",
    "ImportReport",
    "export_dataset",
    "find_dataset",
    "format_named",
    "import_dataset",
    "import_found",
]
