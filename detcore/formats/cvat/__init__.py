"""CVAT's own XML, version 1.1: one file for a task or a project."""
