"""Where and in which precision a detector runs."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.amp.grad_scaler import GradScaler

from detcore.errors import ConfigError, ReticleError
from detcore.evaluation.label_answers import ANSWER_FLOOR
from detcore.jobs.devices import device_names
from detcore.types import FloatArray, IntArray
from detcore.zoo.base import Detector, Look

Precision = Literal["fp32", "bf16", "fp16"]
_SHORT = {"bf16": torch.bfloat16, "fp16": torch.float16}
_MEMORY_WORDS = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")


class OutOfMemoryError(ReticleError):
    """The memory of the device, or of the machine, does not suffice."""


@contextmanager
def memory_watch() -> Generator[None, None, None]:
    """Turn every way in which torch says that memory ran out into one ``OutOfMemoryError``."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        words = str(error).lower()
        told = isinstance(error, MemoryError | torch.OutOfMemoryError)
        if not told and not any(part in words for part in _MEMORY_WORDS):
            raise
        raise OutOfMemoryError(
            "memory ran out", hint="Use a smaller batch or image size, or close other programs"
        ) from error


def device_of(wanted: str, *, local_rank: int = 0) -> torch.device:
    """The device of process number ``local_rank`` on its machine, of those that ``device_names`` reads from what is
    ``wanted``; ``auto`` and ``cuda`` are the GPU of that number.

    Raises:
        ConfigError: a GPU is asked for that torch does not see.
    """
    names = device_names(wanted)
    name = names[local_rank % len(names)]
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    device = torch.device("cuda", local_rank) if name in ("auto", "cuda") else torch.device(name)
    if not torch.cuda.is_available() or (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"there is no device {device}", hint="Choose auto or cpu")
    return device


def choose_device(wanted: str, *, local_rank: int = 0) -> torch.device:
    """As ``device_of``, for a process that computes on it; one that does not takes no memory of a GPU. Raises
    ConfigError as that does."""
    device = device_of(wanted, local_rank=local_rank)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return device


@contextmanager
def full_precision() -> Generator[None, None, None]:
    """Without TF32, to which fp32 convolutions, and in some installations matrix products, are rounded on NVIDIA chips
    unless one is told not to."""
    convolutions, matrices = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = convolutions, matrices


@dataclass(frozen=True, slots=True)
class Compute:
    """A device, and the precision that convolutions run in there; weights are fp32 all the same."""

    device: torch.device
    precision: Precision = "fp32"

    def images(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) uint8 to float 0..1 on the device, channels last."""
        moved = images.to(self.device, non_blocking=True)
        return moved.to(torch.float32, memory_format=torch.channels_last).div_(255.0)

    def autocast(self) -> AbstractContextManager[object]:
        short = _SHORT.get(self.precision)
        return torch.autocast(self.device.type, short, enabled=short is not None)

    def scaler(self) -> GradScaler:
        """For fp16, whose smallest number is 6e-8: it multiplies the loss, so that small gradients do not become nothing,
        and divides the gradients again (Micikevicius et al. 2018). For others all that it does is free."""
        return GradScaler(self.device.type, enabled=self.precision == "fp16")

    def place(self, detector: Detector) -> Detector:
        """The detector moved to the device, in the memory format that convolutions like."""
        detector.to(self.device)
        # Module.to has no overload for memory formats alone that type checkers know.
        for parameter in detector.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.to(memory_format=torch.channels_last)
        return detector

    def synchronise(self) -> None:
        """Wait until the device is idle; needed before reading a clock."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


class Answers(NamedTuple):
    """What a detector says at the A places that say anything, before thresholds and NMS: ``boxes`` (A, 4)
    in pixels of the batch, ``scores`` (A, K)."""

    boxes: FloatArray
    scores: FloatArray


class Seen(NamedTuple):
    """What is found on an image: ``boxes`` (N, 4) in pixels of the batch, ``labels`` (N,) from 0, ``scores``
    (N,); and the answers behind it where they are wanted."""

    boxes: FloatArray
    labels: IntArray
    scores: FloatArray
    answers: Answers | None = None


class Runner:
    """A detector as a function from uint8 images to numpy arrays; ``with_answers`` those before NMS, too."""

    def __init__(self, detector: Detector, compute: Compute, *, with_answers: bool = False) -> None:
        self._detector = detector
        self._compute = compute
        self._with_answers = with_answers

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> list[Seen]:
        self._detector.eval()
        with self._compute.autocast():
            looks = self._detector.look(self._compute.images(images))
        return [
            Seen(
                boxes=_array(look["found"]["boxes"]),
                labels=look["found"]["labels"].cpu().numpy().astype(np.int64),
                scores=_array(look["found"]["scores"]),
                answers=_answers(look) if self._with_answers else None,
            )
            for look in looks
        ]


def _answers(look: Look) -> Answers:
    speaks = look["scores"].amax(dim=1) >= ANSWER_FLOOR
    return Answers(_array(look["boxes"][speaks]), _array(look["scores"][speaks]))


def _array(values: Tensor) -> FloatArray:
    return values.float().cpu().numpy().astype(np.float64)
