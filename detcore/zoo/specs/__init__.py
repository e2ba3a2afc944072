"""The cards of the built-in detectors, one file each; their networks are in ``detcore.zoo.detectors``."""
