"""A run judged against the labels, live, and two runs compared: what the Review page shows."""
