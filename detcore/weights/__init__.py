"""Published weights to start a training from: which there are, where they lie, how they come here.

Free of torch; what is in the files is read by ``detcore.zoo.weights`` alone.
"""
