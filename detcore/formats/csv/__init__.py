"""Tables of boxes: one row an object, in the columns of several tools."""
