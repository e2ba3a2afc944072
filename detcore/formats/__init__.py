"""Dataset formats: pure readers and writers between files and :class:`detcore.formats.base.Dataset`."""
