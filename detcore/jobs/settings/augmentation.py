"""What the user can choose about the random changes of training images."""

from __future__ import annotations

from dataclasses import dataclass, replace

from detcore.jobs.settings.headings import MIXING, PIXELS, PLACE
from detcore.options import check_options, option


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """Which random changes are made to training images."""

    flip_horizontal: bool = option(True, label="Flip left and right", group=PLACE)
    flip_vertical: bool = option(False, label="Flip top and bottom", group=PLACE)
    scale_jitter: float = option(
        0.5,
        label="Vary size",
        help="0.5 draws a zoom between 0.5 and 1.5",
        low=0,
        high=1,
        step=0.05,
        unit="%",
        group=PLACE,
    )
    quarter_turns: bool = option(
        False,
        label="Turn by quarters",
        help="For images that have no top, such as those from above",
        group=PLACE,
    )
    rotation: float = option(
        0.0,
        label="Turn a little",
        help="Degrees to either side, at most; a box becomes the upright one about its turned corners",
        low=0,
        high=45,
        step=5,
        unit="°",
        group=PLACE,
    )
    crop: float = option(
        0.0,
        label="Cut out",
        help="The share of images of which a part is cut out and enlarged, as SSD does",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        group=PLACE,
    )
    zoom_out: float = option(
        0.0,
        label="Make small",
        help="The share of images that become up to four times smaller, for small objects",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        group=PLACE,
    )
    colour_jitter: bool = option(True, label="Vary colours", group=PIXELS)
    hue: float = option(
        0.0,
        label="Hue",
        help="At most so much of the colour circle to either side, beyond what Vary colours does",
        low=0,
        high=0.5,
        step=0.01,
        unit="%",
        group=PIXELS,
    )
    saturation: float = option(
        0.0,
        label="Saturation",
        help="Colours become at most so much stronger or weaker, beyond what Vary colours does",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        group=PIXELS,
    )
    brightness: float = option(
        0.0,
        label="Brightness",
        help="Images become at most so much lighter or darker, beyond what Vary colours does",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        group=PIXELS,
    )
    blur: float = option(
        0.0,
        label="Blur",
        help="The share of images out of focus",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        group=PIXELS,
    )
    noise: float = option(
        0.0,
        label="Noise",
        help="The share of images with the noise of a sensor",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        group=PIXELS,
    )
    jpeg: float = option(
        0.0,
        label="JPEG",
        help="The share of images that are compressed badly",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        group=PIXELS,
    )
    erase: float = option(
        0.0,
        label="Erase",
        help="The share of images of which a rectangle is painted over",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        group=PIXELS,
    )
    mosaic: float = option(
        0.0,
        label="Mosaic",
        help="The share of images that are put together from four",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        group=MIXING,
    )
    mixup: float = option(
        0.0,
        label="Mixup",
        help="The share of images through which another one shines",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        group=MIXING,
    )
    cutmix: float = option(
        0.0,
        label="Cutmix",
        help="The share of images of which a rectangle is another image's",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        group=MIXING,
    )
    copy_paste: float = option(
        0.0,
        label="Copy-paste",
        help="The share of images that get objects of others, those of rare classes first",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        group=MIXING,
    )
    close_after: float = option(
        0.8,
        label="Mix until",
        help="The share of the training after which images are no longer mixed: no mosaic, mixup, cutmix or pasting",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        group=MIXING,
    )

    def unmixed(self) -> Augmentation:
        """These changes without those that make one image of several."""
        return replace(self, mosaic=0.0, mixup=0.0, cutmix=0.0, copy_paste=0.0)

    def __post_init__(self) -> None:
        """Raises ConfigError as ``Learning`` does."""
        check_options(self, "augmentation")
