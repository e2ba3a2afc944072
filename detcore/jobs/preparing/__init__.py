"""What is done before a worker process begins: look at the labels, divide the images, make the run's folder,
freeze the data. One way for the window and the command line; free of torch and Qt."""
