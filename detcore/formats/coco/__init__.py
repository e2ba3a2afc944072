"""COCO's instances in JSON."""
