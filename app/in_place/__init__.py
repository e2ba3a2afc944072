"""Label files of other programs that are edited in their place."""
