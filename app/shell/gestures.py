"""What the mouse and the keys do on an image, which no action stands for."""

from __future__ import annotations

GESTURES: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Mouse on an image",
        (
            ("Draw a box", "Drag with Draw, or click two corners"),
            ("Draw a square", "Shift while drawing"),
            ("Select what lies within", "Drag on nothing, or Shift and drag"),
            ("Add a box to the selection, or take it out", "Shift or Ctrl and click"),
            ("The box beneath", "Click again"),
            ("Move, resize", "Drag a selected box, or its handles"),
            ("Select while drawing", "Ctrl and drag or click"),
            ("Another class", "Double-click, or Enter"),
            ("Zoom", "Wheel, or two fingers"),
            ("Move the image", "Middle button; left button where a part of it is seen"),
            ("Move the image sideways", "Shift and wheel"),
        ),
    ),
    (
        "Keys on an image",
        (
            ("Nudge the selected boxes by a pixel", "Arrows"),
            ("Nudge them by ten", "Shift and arrows"),
            ("Take the tighter boxes that are shown, or leave them", "Enter, Esc"),
            ("Give up what is being drawn or dragged", "Esc"),
        ),
    ),
)
"""(title, (what it does, how) …)"""
