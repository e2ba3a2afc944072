"""Folders that FiftyOne exports: samples as JSON documents beside their images."""
