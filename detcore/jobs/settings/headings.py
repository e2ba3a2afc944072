"""The headings that forms and help show settings under."""

from __future__ import annotations

BASICS = "Basics"
"""What a form shows first; it folds the others."""
OPTIMISER, OVER_TIME = "Optimiser", "Course of a training"
LABELS = "Labels and classes"
ERRORS = "Errors of an earlier run"
PLACE, PIXELS, MIXING = "Images moved and turned", "Colours and quality", "Images mixed"
KEPT = "Validating and saving"
