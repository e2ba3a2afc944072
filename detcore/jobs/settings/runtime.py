"""What the user can choose about where and how a run is computed, kept and judged."""

from __future__ import annotations

from dataclasses import dataclass

from detcore.errors import ConfigError
from detcore.jobs.devices import device_names
from detcore.jobs.settings.headings import KEPT
from detcore.options import check_options, option


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Where and how a run is computed, kept and judged; none of it is meant to change what it learns.

    ``validate_every_seconds`` is a wish: validation never takes more than about a tenth of the time.
    """

    device: str = option(
        "auto", label="Device", help="auto, cpu, cuda:N; 0,1 for two GPUs, cpu,cpu for two processes"
    )
    seed: int = option(0, label="Random seed", help="Seed of all that is drawn", low=0)
    precision: str = option(
        "auto",
        label="Precision",
        help="Of numbers while computing. Auto takes bf16 or, on GPUs without it, fp16 where that is faster",
        choices={"auto": "Auto", "fp32": "32 bit", "bf16": "16 bit (bf16)", "fp16": "16 bit (fp16)"},
    )
    threads: int | None = option(None, auto=int, label="Threads", help="Threads of the processor", low=1)
    compile: bool = option(
        False,
        label="Compile",
        help="Let PyTorch compile the network, which takes minutes for each size of images, and makes the steps of long "
        "trainings on a GPU faster. On one device; where nothing can be compiled the training goes on without",
    )
    checkpoint_activations: bool = option(
        False,
        label="Spare memory",
        help="Compute what layers answer once more for the gradients instead of keeping it: larger images and batches "
        "fit, and a step takes about a third longer",
    )
    deterministic: bool = option(
        False,
        label="Repeat exactly",
        help="Two trainings of so many epochs end with the same weights on the same machine, to the last bit (on a GPU as "
        "far as PyTorch can), and are judged after each epoch. Steps take longer: sums are always made in the same order, Auto "
        "precision is 32 bit, and no threads are left to other programs",
    )
    validate_every_seconds: float | None = option(
        None,
        auto=float,
        label="Validate every",
        help="Seconds between two validations",
        low=0,
        above=True,
        step=10,
        group=KEPT,
        unit="s",
    )
    checkpoint_every_seconds: float = option(
        60.0,
        label="Save every",
        help="Seconds between two checkpoints",
        low=0,
        above=True,
        step=10,
        group=KEPT,
        unit="s",
    )
    predict_after: bool = option(
        True,
        label="Predict when done",
        help="Find objects in all images with the best weights, for the Review page.",
        group=KEPT,
    )
    look_twice: bool = option(
        False,
        label="Look twice when predicting",
        help="Find objects in each image and in its mirror image, which takes twice as long and is right a little more "
        "often. Only with Flip left and right; a cross-validation always does.",
        group=KEPT,
    )

    def __post_init__(self) -> None:
        """Raises ConfigError as ``Learning`` does."""
        check_options(self, "runtime")
        try:
            device_names(self.device)
        except ConfigError as error:
            raise ConfigError(f"runtime.device is {self.device!r}", hint=error.hint) from error
