"""What layers do to the shape of an image, how many numbers they have and how many multiply-adds they take. Free
of torch."""
