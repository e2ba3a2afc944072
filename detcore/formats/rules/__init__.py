"""What the readers of other programs demand, as small checks of our own: an export is held against them afterwards."""
