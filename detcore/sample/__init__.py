"""The sample project: generated pictures with planted label errors, to try Reticle on.

Needs no torch.
"""

from detcore.sample.generate import generate_sample
from detcore.sample.project import PROJECT_NAME, create_sample_project
from detcore.sample.truth import ErrorKind, PlantedError, SampleBox, SampleImage, SampleTruth

__all__ = [
    "PROJECT_NAME",
    "ErrorKind",
    "PlantedError",
    "SampleBox",
    "SampleImage",
    "SampleTruth",
    "create_sample_project",
    "generate_sample",
]
