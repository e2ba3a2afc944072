"""Exit statuses, as the help lists them."""

from __future__ import annotations

DONE, MENDABLE, USAGE, INTERRUPTED = 0, 1, 2, 130
