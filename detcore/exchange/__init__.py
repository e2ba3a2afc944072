"""Between datasets on disk and a project: import and export."""

from __future__ import annotations

from detcore.exchange.admission import ImportOptions
from detcore.exchange.exports import export_dataset
from detcore.exchange.formats import AUTO, format_named
from detcore.exchange.imports import (
    FoundDataset,
    ImportReport,
    admit,
    find_dataset,
    import_dataset,
    import_found,
    read_dataset,
)
from detcore.exchange.inspection import Inspection, inspect_dataset

__all__ = [
    "AUTO",
    "FoundDataset",
    "ImportOptions",
    "ImportReport",
    "Inspection",
    "admit",
    "export_dataset",
    "find_dataset",
    "format_named",
    "import_dataset",
    "import_found",
    "inspect_dataset",
    "read_dataset",
]
