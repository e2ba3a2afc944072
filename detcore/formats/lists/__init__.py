"""Formats of one text file for many images."""
