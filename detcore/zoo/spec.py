"""What a detector says of itself, free of torch: its card, how images come to it, how it is trained, its options.

The window's form, the command line and the checks are made from this; the network is imported when it is built.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from detcore.errors import ConfigError
from detcore.options import NoOptions as NoOptions
from detcore.options import Option as Option
from detcore.options import option as option
from detcore.options import options_of

SIDE_STEP = 32
"""Height and width of every batch are multiples of this."""
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

Triple = tuple[float, float, float]
Wants = Literal["nothing", "weights", "gpu"]
"""What a detector needs to be of use: no more than images and a processor; weights that have learnt already; a GPU."""
Suppression = Literal["classwise", "hard", "soft-linear", "soft-gaussian", "diou", "none"]
SUPPRESSIONS: Mapping[str, str] = {
    "classwise": "Hard, within a class",
    "hard": "Hard, over all classes",
    "soft-linear": "Soft, linear",
    "soft-gaussian": "Soft, Gaussian",
    "diou": "DIoU",
    "none": "None",
}
"""What drops boxes that lie on better ones, as users read it."""
GRAPH_SUPPRESSIONS: tuple[Suppression, ...] = ("classwise", "hard", "none")
"""Those that a file can have inside: its one operator for them is hard, within a class or without classes."""
Schedule = Literal["hold", "cosine", "linear", "steps", "one-cycle", "plateau", "constant", "expression"]
OptimiserName = Literal[
    "adamw",
    "muon",
    "sgd",
    "adam",
    "nadam",
    "radam",
    "adamax",
    "rmsprop",
    "adagrad",
    "adadelta",
    "adafactor",
    "asgd",
    "rprop",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRule:
    """How an image comes to the network.

    ``image_size`` is the default of the longer side, in pixels. The network sees RGB values of ``value_range``,
    less ``mean``, divided by ``std``. ``resize`` tells whether it keeps the shape of a frame (``letterbox``) or
    each is stretched to one whose height is ``aspect`` times its width (``stretch``), which have ``one_size`` where
    the network takes no other. ``smooth``: when an image shrinks all its pixels count; without, those next to each point alone.
    Height and width must be multiples of ``divisor``.
    """

    image_size: int
    mean: Triple = IMAGENET_MEAN
    std: Triple = IMAGENET_STD
    value_range: tuple[float, float] = (0.0, 1.0)
    resize: Literal["letterbox", "stretch"] = "letterbox"
    aspect: float = 1.0
    one_size: bool = False
    smooth: bool = True
    divisor: int = SIDE_STEP

    def frame(self, longer_side: int) -> tuple[int, int]:
        """Height and width of the frame of a square image whose longer side is to have so many pixels."""
        if self.resize == "letterbox":
            return longer_side, longer_side
        shares = min(1.0, self.aspect), min(1.0, 1.0 / self.aspect)
        height, width = (max(1, round(longer_side * share)) for share in shares)
        return height, width


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a detector is trained unless the user says otherwise.

    ``learning_rate`` is for a step of ``batch_size`` images; it grows with the root of the batch, with ``sgd``
    (``momentum``, ``nesterov``) and ``asgd`` in proportion. ``muon`` is ``adamw``, but hidden convolutions take steps of
    ``matrix_rate`` whose singular values are all alike. ``adadelta`` keeps ``rho`` of its means at
    a step; steps of ``rprop`` are no longer than ``largest_step``, and the rate is the first of them. ``schedule`` is
    how the rate goes on after the warm-up, as the ``expression`` says where it is one. ``smallest_batch`` images at a time are the fewest that it can learn from, ``largest_batch`` the most that
    are chosen unasked on a GPU. ``rate_groups`` are factors of the learning rate by the beginnings of parameters'
    names, such as ``{"backbone.": 0.1}``; of several that fit the longest counts, without one it is 1. Images are small
    until the share ``small_until`` of a run that is given minutes. ``frozen``, in the
    same way, are shares of the run until which layers stay as they are, in their statistics as well; 1 is all of it,
    and without a name that fits it is 0.
    """

    learning_rate: float
    batch_size: int
    optimiser: OptimiserName = "adamw"
    matrix_rate: float = 0.02
    weight_decay: float = 0.05
    momentum: float = 0.9
    nesterov: bool = False
    rho: float = 0.9
    largest_step: float = 0.1
    schedule: Schedule = "cosine"
    expression: str = ""
    smallest_batch: int = 1
    largest_batch: int = 32
    rate_groups: Mapping[str, float] = field(default_factory=dict[str, float])
    frozen: Mapping[str, float] = field(default_factory=dict[str, float])
    small_until: float = 0.0

    def rate_share(self, name: str) -> float:
        """The factor of the learning rate for a parameter."""
        return by_beginning(self.rate_groups, name, without=1.0)


def by_beginning(values: Mapping[str, float], name: str, *, without: float) -> float:
    """The value of the longest key that a name begins with; ``without`` where there is none."""
    fitting = [start for start in values if name.startswith(start)]
    return values[max(fitting, key=len)] if fitting else without


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFile:
    """A file of weights that can be had. ``name`` is what users and settings call it; ``learnt`` says from what.
    It fits a detector with these ``options``, where they matter. ``size`` is in bytes, to about a KiB. ``sha256`` are
    the first digits of the sum, all 64 where the publisher tells them; torchvision puts eight into the names of its
    files. Names of tensors that differ from ours are turned by ``Detector.published``.

    ``url`` is where it is; of a file that comes in a Python ``package``, the path among what that installs, and ``extra``
    is that of Reticle which brings the package, "" where none does.
    """

    name: str
    url: str
    size: int
    sha256: str
    learnt: str
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    package: str = ""
    extra: str = ""

    def fits(self, options: Mapping[str, Any]) -> bool:
        """Whether the detector with these options is the one that it is of."""
        return all(options.get(name) == value for name, value in self.options.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPlace:
    """Where weights can be had that users bring themselves, since neither size nor sum of their files is known here. ``url`` is the page;
    ``learnt`` and ``options`` are as of a ``PublishedFile``."""

    url: str
    learnt: str
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsInfo:
    """Which weights a training can start from: a ``text`` for the user, the published ``files`` and their
    ``licence``, "" where there are none, and ``places`` with others. ``start`` is the name of the file that it starts from unless the user chooses
    otherwise; without one it starts from nothing."""

    text: str
    licence: str = ""
    files: tuple[PublishedFile, ...] = ()
    places: tuple[PublishedPlace, ...] = ()
    start: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FromBoxes:
    """Options of a detector with what the boxes of a training tell, and a ``note`` for the user of what was found."""

    options: Any
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchors:
    """The anchors of a detector over all its levels: ``sizes`` (N, 2) widths and heights in pixels, by formula where the boxes of a
    training are to tell them, ``from_boxes``."""

    sizes: NDArray[np.float64]
    from_boxes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What looking at one image of the card's own size costs: ``macs`` are multiply-adds in thousands of millions, ``values``
    millions of numbers that the layers give, which a training keeps for the way back. Counted by ``main.py model-info``;
    0 where nobody has."""

    macs: float = 0.0
    values: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorSpec:
    """One detector.

    ``id`` is what runs and checkpoints name. ``text`` says when to use it; ``parameters`` are in millions, for
    so many ``classes`` and default options. ``build`` is ``"module:function"``; the function takes
    ``(num_classes, image_size, options)``, the last an instance of ``options``, and gives a
    ``detcore.zoo.base.Detector`` with random weights. ``deploy`` is one as well, "" for a detector that cannot leave
    the program as a file: it takes such a detector and ``image_size``, and gives a ``detcore.zoo.base.DenseNet``.
    ``family`` says whose it is, for lists; ``wants`` what it needs to be of use; ``paper`` who has thought of it and where, and
    ``cost`` is with default options, as ``parameters`` are. ``extra`` is that of Reticle which brings what it needs besides torch and torchvision.
    ``settings`` are values of training settings, by their names, that it is trained with unless the user says otherwise.
    ``fit`` is of a detector whose card depends on its options: it takes the card and such options, and gives the card as it is
    with them. It raises ConfigError for options that make no sense together.
    ``from_boxes`` is of a detector with options that boxes can tell, such as anchors: it takes the options, widths and heights (M, 2) in
    pixels, as the detector sees them, of the boxes that a training learns from, and what to tell (done, total), which says false once
    the user has cancelled. It raises ConfigError where they are too few, Cancelled where it was.
    ``anchors`` is of a detector whose anchors depend on its options: it takes such options, and gives ``None`` for a head without.
    ``smooths_labels``: its losses look at ``Detector.label_smoothing``.
    ``masks_ignored``: its losses leave out ``Target.ignore``. Of a detector that cannot do so the images are painted over
    there, so that what lies in such areas is not learnt either.
    ``notes`` is of a detector that does not take its options as they are: it takes such options and a number of classes, and
    says what users should know of them, in plain words.
    ``weighs_scores``: its losses look at ``Target.scores``, so that it learns from objects as far as they are sure.
    ``suppression``: how it drops boxes that lie on better ones, in the program and in files.

    Raises:
        ValueError: ``input.divisor`` does not divide ``SIDE_STEP``, or a field of ``options`` is no ``option``.
    """

    id: str
    title: str
    text: str
    licence: str
    parameters: float
    input: InputRule
    recipe: Recipe
    weights: WeightsInfo
    build: str
    family: str = ""
    wants: Wants = "nothing"
    paper: str = ""
    cost: Cost = field(default_factory=Cost)
    extra: str = ""
    classes: int = 3
    options: type[Any] = NoOptions
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    fit: Callable[[DetectorSpec, Any], DetectorSpec] | None = None
    from_boxes: Callable[[Any, NDArray[np.float64], Callable[[int, int], bool]], FromBoxes] | None = None
    anchors: Callable[[Any], Anchors | None] | None = None
    deploy: str = ""
    smooths_labels: bool = False
    masks_ignored: bool = False
    notes: Callable[[Any, int], Sequence[str]] | None = None
    weighs_scores: bool = False
    suppression: Suppression = "classwise"

    def __post_init__(self) -> None:
        if SIDE_STEP % self.input.divisor:
            raise ValueError(f"{self.id}: sides of batches are multiples of {SIDE_STEP}")
        options_of(self.options)

    def option_list(self) -> tuple[Option, ...]:
        """What there is to choose, in the order of the fields."""
        return options_of(self.options)

    def read_options(self, chosen: Mapping[str, Any]) -> Any:
        """The options with what was chosen, an instance of ``options``.

        Raises:
            ConfigError: there is no such option, or a value is not allowed; it says what is.
        """
        known = {item.name: item for item in self.option_list()}
        for name, value in chosen.items():
            if name not in known:
                raise self._no_option(name)
            if not known[name].accepts(value):
                raise ConfigError(
                    f"option {name} of {self.id} is {value!r}", hint=f"It must be {known[name].allowed}"
                )
        return self.options(**chosen)

    def fitted_to(self, chosen: Mapping[str, Any]) -> DetectorSpec:
        """The card as it is with what was chosen.

        Raises:
            ConfigError: it depends on the options, and these are wrong or make no sense together.
        """
        return self if self.fit is None else self.fit(self, self.read_options(chosen))

    def notes_on(self, chosen: Mapping[str, Any], *, classes: int) -> Sequence[str]:
        """What users should know of what was chosen, in a project of so many classes. Raises ConfigError as ``fitted_to``."""
        return () if self.notes is None else self.notes(self.read_options(chosen), classes)

    def anchors_with(self, chosen: Mapping[str, Any]) -> Anchors | None:
        """Its anchors with what was chosen, ``None`` where none depend on that. Raises ConfigError as ``fitted_to``."""
        return None if self.anchors is None else self.anchors(self.read_options(chosen))

    def parse_options(self, words: Mapping[str, str]) -> dict[str, Any]:
        """The values that words of the command line mean, by name. Raises ConfigError as ``read_options``."""
        known = {item.name: item for item in self.option_list()}
        values: dict[str, Any] = {}
        for name, word in words.items():
            if name not in known:
                raise self._no_option(name)
            try:
                values[name] = known[name].parse(word)
            except ValueError:
                values[name] = word
        self.read_options(values)
        return values

    def _no_option(self, name: str) -> ConfigError:
        names = ", ".join(item.name for item in self.option_list())
        return ConfigError(
            f"{self.id} has no option {name!r}", hint=f"It has {names}" if names else "It has none"
        )
