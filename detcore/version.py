"""Which Reticle this is."""

VERSION = "0.2.0.dev0"
"""As in pyproject.toml, which reads it from here."""
