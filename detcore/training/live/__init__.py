"""Learning beside the window: a training without an end, from images as they are verified."""
