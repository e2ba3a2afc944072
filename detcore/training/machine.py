"""Finding out what this machine does best: device, precision, number of threads."""

from __future__ import annotations

import copy
import os
import platform
import statistics
import time
from collections import deque
from typing import cast

import cv2
import torch

from detcore.jobs.devices import cores
from detcore.jobs.settings.runtime import Runtime
from detcore.wording import counted
from detcore.zoo.base import Detector, Target
from detcore.zoo.running import Compute, Precision

_WINDOW = 24
_SPREAD = 1.6
_PATIENCE = 8


def set_up_torch(runtime: Runtime) -> None:
    """How torch and OpenCV compute in this process. Comes before CUDA starts, which reads the environment then."""
    torch.set_flush_denormal(True)
    # Decoding and augmentation run in threads of ours; OpenCV's own would only get in their way.
    cv2.setNumThreads(1)
    if runtime.threads is not None:
        torch.set_num_threads(runtime.threads)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = runtime.deterministic
    if runtime.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # as NVIDIA says, so that its sums repeat
    # Only a warning: some operations that detectors cannot do without have no such form on a GPU.
    torch.use_deterministic_algorithms(runtime.deterministic, warn_only=True)


def device_name(device: torch.device) -> str:
    """Such as ``NVIDIA H200`` or ``AMD EPYC``."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            lines = [line for line in file if line.startswith("model name")]
    except OSError:
        lines = []
    return lines[0].partition(":")[2].strip() if lines else platform.processor() or platform.machine()


def list_devices() -> list[dict[str, str]]:
    """What there is to train on, the fastest first, but all GPUs after each alone: ``id`` as ``device_names`` reads
    it, and ``name``."""
    found = [
        {"id": f"cuda:{index}", "name": torch.cuda.get_device_name(index)}
        for index in range(torch.cuda.device_count())
    ]
    if len(found) > 1:
        every = ",".join(str(index) for index in range(len(found)))
        found.append({"id": every, "name": f"All {counted(len(found), 'GPU')}"})
    return [*found, {"id": "cpu", "name": f"CPU, {counted(cores(), 'core')}"}]


def dummy_batch(
    num_classes: int, *, batch_size: int, size: int, objects: int, compute: Compute
) -> tuple[torch.Tensor, list[Target]]:
    """Grey square images with that many objects each: as much work as a batch can be."""
    images = torch.full((batch_size, 3, size, size), 114, dtype=torch.uint8)
    corners = torch.linspace(0.0, size / 2.0, max(objects, 1), device=compute.device)[:objects, None]
    boxes = torch.cat([corners, corners, corners + size / 4.0, corners + size / 4.0], dim=1)
    labels = torch.arange(objects, device=compute.device) % num_classes
    ignore = torch.zeros(0, 4, device=compute.device)
    target = Target(boxes=boxes, labels=labels, ignore=ignore)
    return compute.images(images), [target] * batch_size


def try_step(detector: Detector, compute: Compute, images: torch.Tensor, targets: list[Target]) -> None:
    """Forward and backward on a copy of the detector, so that nothing of it changes: it
    shows the time and memory that a real step takes."""
    go_through(copy.deepcopy(detector).train(), compute, images, targets)


def go_through(detector: Detector, compute: Compute, images: torch.Tensor, targets: list[Target]) -> None:
    """Forward and backward of a detector that is trained."""
    with compute.autocast():
        losses = detector.losses(images, targets)
    torch.autograd.backward(torch.stack(list(losses.values())).sum())
    compute.synchronise()


def choose_precision(detector: Detector, device: torch.device, wanted: str, *, size: int) -> Compute:
    """As wanted, or for ``auto`` bf16 on a GPU that has it; else fp32 or, where it is measured to be faster, bf16 on a
    processor and fp16 on a GPU."""
    if wanted != "auto":
        return Compute(device, cast("Precision", wanted))
    on_gpu = device.type == "cuda"
    if on_gpu and torch.cuda.is_bf16_supported(including_emulation=False):
        return Compute(device, "bf16")
    short = Compute(device, "fp16" if on_gpu else "bf16")
    threads = torch.get_num_threads()
    try:
        # One thread and processor time: other programs may have the cores just now, and threads that wait
        # for a core count as busy.
        torch.set_num_threads(1)
        plain_time, short_time = (
            _step_seconds(detector, compute, min(size, 320)) for compute in (Compute(device), short)
        )
    finally:
        torch.set_num_threads(threads)
    return short if short_time < 0.9 * plain_time else Compute(device)


def _step_seconds(detector: Detector, compute: Compute, size: int) -> float:
    """Time of a small step, the best of three: of the processor, or that a GPU takes."""
    clock = time.perf_counter if compute.device.type == "cuda" else time.process_time
    images, targets = dummy_batch(detector.num_classes, batch_size=2, size=size, objects=4, compute=compute)
    times: list[float] = []
    for _ in range(3):
        begin = clock()
        try_step(detector, compute, images, targets)
        times.append(clock() - begin)
    return min(times)


class ThreadGovernor:
    """Uses fewer threads while another program wants the cores.

    With more threads than free cores each step waits for the thread that lost its core: times spread and
    grow many times over. So: when the times of a window spread, half the threads are tried for a window
    and kept when steps got no slower; later, all of them are tried again.
    """

    def __init__(self, most: int) -> None:
        self.threads = self._most = most
        self._times: deque[float] = deque(maxlen=_WINDOW)
        self._before: tuple[int, float] | None = None
        self._rest = 0

    def after_step(self, seconds: float) -> int:
        """Take in the time of a step; returns how many threads to use from now on."""
        self._times.append(seconds)
        if self._most == 1 or len(self._times) < _WINDOW:
            return self.threads
        mean = statistics.fmean(self._times)
        ordered = sorted(self._times)
        spread = ordered[-_WINDOW // 10] / max(ordered[_WINDOW // 10], 1e-9)
        self._times.clear()
        if self._before is not None:
            threads, old_mean = self._before
            self._before = None
            better = mean < 0.9 * old_mean if self.threads > threads else mean <= 1.05 * old_mean
            if not better:
                self.threads = threads
            self._rest = _PATIENCE
        elif self._rest > 0:
            self._rest -= 1
        elif spread > _SPREAD and self.threads > 1:
            self._before = (self.threads, mean)
            self.threads = max(1, self.threads // 2)
        elif self.threads < self._most:
            self._before = (self.threads, mean)
            self.threads = self._most
        return self.threads
