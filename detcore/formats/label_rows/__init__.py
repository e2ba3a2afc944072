"""Formats of one text file an image and one line an object, which differ in their columns and folders alone."""
