"""TFRecord files of the TensorFlow Object Detection API: images and boxes in one stream of records."""
