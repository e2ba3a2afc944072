"""The sample project: generated pictures with planted label errors, to try Reticle on.

Needs numpy and OpenCV alone.
"""

from detcore.sample.generate import generate_sample
from detcore.sample.truth import ErrorKind, PlantedError, SampleBox, SampleImage, SampleTruth

__all__ = ["ErrorKind", "PlantedError", "SampleBox", "SampleImage", "SampleTruth", "generate_sample"]
