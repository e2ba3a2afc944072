"""Pascal VOC's XML, as labelImg, CVAT and others write it."""
