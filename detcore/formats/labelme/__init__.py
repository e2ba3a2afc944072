"""LabelMe's JSON, and what X-AnyLabeling makes of it."""
