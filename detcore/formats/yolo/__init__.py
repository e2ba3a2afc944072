"""YOLO's text files, of Ultralytics and of darknet."""
