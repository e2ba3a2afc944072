"""KITTI's labels of objects: one text file an image."""
