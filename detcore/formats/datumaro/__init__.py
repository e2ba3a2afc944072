"""Datumaro's own JSON, which CVAT exports as well."""
