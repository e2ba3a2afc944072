"""What darknet's heads learn, as losses whose gradients are the deltas of its layers: what it adds to what it
descends by.

Of a logistic output darknet takes the error itself, which is the gradient of the binary cross entropy; of a
softmax that of the cross entropy; of a plain number that of half the square. Where its delta is the gradient of
nothing, as of the IoU losses, it is given to the graph as it is (``following``). Losses are sums over places,
divided by the images of the batch, as its rate expects.

Where Redmon's and Bochkovskiy's programs differ, ``[yolo]`` follows the latter, whose `.cfg` files are the newer
ones, and ``[region]`` and ``[detection]`` the former's last version.
"""
