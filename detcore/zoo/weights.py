"""Starting from somebody's weights: what fits is taken, what does not is named."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType]
from torch import Tensor, nn
from torchvision.models.detection import (  # pyright: ignore[reportMissingTypeStubs]
    SSDLite320_MobileNet_V3_Large_Weights,
)

from detcore.errors import ConfigError
from detcore.untrusted_json import fits, parse_json
from detcore.wording import counted
from detcore.zoo.base import Detector
from detcore.zoo.class_rows import ClassRows, match_classes

_WRAPPERS = ("ema", "model_ema", "state_dict", "model")
_PREFIXES = ("", "module.", "model.", "ema.", "weights.", "features.")
_OWN_PREFIXES = ("", "net.", "net.backbone.", "net.backbone.body.")
_HUB_CONFIG = "config.json"
_NAMED = 4
_BATCH_COUNT = ".num_batches_tracked"
"""Files of frozen batch norms do not have it, and nothing is computed with it."""
# What torch's reader raises for bytes that are no weights depends on the bytes.
_BROKEN_FILE = (
    SafetensorError,
    OSError,
    RuntimeError,
    EOFError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    pickle.UnpicklingError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """Names of tensors: taken from the file; wanted by the model and not in the file; in the file and
    not wanted; that do not fit, of another shape (with both shapes) or for other classes. Names of classes, where the file
    tells its own: those whose rows of the head were taken, and those that start afresh."""

    loaded: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    mismatched: tuple[str, ...]
    known_classes: tuple[str, ...] = ()
    new_classes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing of the model is left to chance."""
        return not self.missing and not self.mismatched and not self.new_classes

    def text(self) -> str:
        """One line for the user."""
        total = len(self.loaded) + len(self.missing) + len(self.mismatched)
        parts = [f"{len(self.loaded)} of {counted(total, 'tensor')} taken from the weights file"]
        for title, names in (
            ("not fitting, starting afresh", self.mismatched),
            ("not in the file", self.missing),
            ("not used", self.unexpected),
            ("classes that it knows", self.known_classes),
            ("new classes", self.new_classes),
        ):
            if names:
                more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
                parts.append(f"{title}: {', '.join(names[:_NAMED])}{more}")
        return "; ".join(parts) + "."


def load_weights(
    model: nn.Module,
    path: Path,
    *,
    class_names: Sequence[str] = (),
    class_ids: Sequence[int] = (),
    published_names: Sequence[str] = (),
) -> LoadReport:
    """Put the tensors of a .safetensors, .pt or .pth file, or of one that only the detector can read, into the model, as far
    as name and shape fit.

    Files are read without running anything that is in them. Names may carry the usual prefixes
    (``module.`` of data parallel, ours of a checkpoint).

    A detector's rows of a class are taken from the class of the same name, wherever that stands, when the names of both
    are known: ``class_names`` are the model's, those of the file are in our checkpoints, or else ``published_names``.
    ``class_ids`` are the model's where the file is of a run of the same project: there a class of the same id is the
    same, whatever it is called by now, and checkpoints of 0.1 tell ids alone. All other rows start afresh.

    Raises:
        ConfigError: the file cannot be read, holds no tensors, or not one of them fits.
    """
    own = model.read_file(path) if isinstance(model, Detector) else None
    tensors = read_tensors(path) if own is None else own
    if own is None and isinstance(model, Detector):
        tensors = model.published(tensors)
    wanted = model.state_dict()
    renamed = _best_names(tensors, set(wanted))
    ids = _read_class_ids(path) if class_ids else []
    by_class = _ByClass(
        _layouts(model),
        class_names,
        read_class_names(path) or published_names or [""] * len(ids),
        {place: ids.index(one) for place, one in enumerate(class_ids) if one in ids},
    )
    loaded: dict[str, Tensor] = {}
    mismatched: list[str] = []
    for name, tensor in renamed.items():
        if name not in wanted:
            continue
        taken = by_class.take(name, tensor, wanted[name])
        if taken is None:
            mismatched.append(f"{name} for other classes")
        elif wanted[name].shape == taken.shape:
            loaded[name] = taken
        else:
            mismatched.append(f"{name} {tuple(tensor.shape)} for {tuple(wanted[name].shape)}")
    if not loaded:
        raise ConfigError(
            "none of the tensors in this file fits the model",
            path=path,
            hint="Choose weights of the same detector",
        )
    model.load_state_dict(loaded, strict=False)
    clashing = {entry.split(" ", 1)[0] for entry in mismatched}
    return LoadReport(
        loaded=tuple(loaded),
        missing=tuple(
            name
            for name in wanted
            if name not in loaded and name not in clashing and not name.endswith(_BATCH_COUNT)
        ),
        unexpected=tuple(name for name in renamed if name not in wanted),
        mismatched=tuple(mismatched),
        known_classes=tuple(name for place, name in enumerate(class_names) if place in by_class.pairs),
        new_classes=tuple(
            name for place, name in enumerate(class_names) if by_class.told and place not in by_class.pairs
        ),
    )


def published_classes(learnt: str) -> tuple[str, ...]:
    """The classes of published weights by what they were ``learnt`` from, background first; none where that is unknown."""
    if learnt != "COCO":
        return ()
    return tuple(SSDLite320_MobileNet_V3_Large_Weights.COCO_V1.meta["categories"])


def read_class_names(path: Path) -> tuple[str, ...]:
    """The classes that a file was trained on, in the order of its labels, where it is a checkpoint of ours that says so, or
    transformers' description lies beside it."""
    names = _record(path).get("class_names", [])
    return tuple(cast("list[str]", names)) if names and fits(names, "list[str]") else _names_beside(path)


def _names_beside(path: Path) -> tuple[str, ...]:
    """The classes by the ``config.json`` in a folder of the Hugging Face hub, whose ``id2label`` are names by numbers; none where
    that is not what is there."""
    try:
        described: Any = parse_json((path.parent / _HUB_CONFIG).read_text(encoding="utf-8"))
        labels: Any = described.get("id2label")
        count = len(labels)
        names = [labels[str(number)] for number in range(count)]
    except (OSError, ValueError, AttributeError, TypeError, KeyError):
        return ()
    return tuple(cast("list[str]", names)) if fits(names, "list[str]") else ()


def _read_class_ids(path: Path) -> list[int]:
    """The ids of the classes that a file was trained on, in the order of its labels, where it is a checkpoint of ours."""
    ids = _record(path).get("class_ids", [])
    return cast("list[int]", ids) if fits(ids, "list[int]") else []


def _record(path: Path) -> dict[str, Any]:
    """What a checkpoint of ours says of itself; nothing of other files."""
    if path.suffix != ".safetensors":
        return {}
    try:
        with cast("Any", safe_open(path, framework="pt")) as handle:
            metadata = cast("dict[str, str]", handle.metadata() or {})
        record: Any = parse_json(metadata.get("reticle", "{}"))
    except (SafetensorError, OSError, ValueError):
        return {}
    return cast("dict[str, Any]", record) if fits(record, "dict[str, Any]") else {}


def _layouts(model: nn.Module) -> Mapping[str, ClassRows]:
    return model.class_rows if isinstance(model, Detector) else {}


@dataclass(slots=True)
class _ByClass:
    """Takes the rows of the same classes; ``own`` and ``theirs`` are names, "" of a class that is known by its id alone.
    ``same`` are places of classes, here and there, that are the same whatever they are called. ``pairs`` are those of
    the classes that were taken, and ``told`` says whether classes were told apart at all."""

    layouts: Mapping[str, ClassRows]
    own: Sequence[str]
    theirs: Sequence[str]
    same: Mapping[int, int]
    pairs: dict[int, int] = field(default_factory=dict[int, int])
    told: bool = False

    def take(self, name: str, tensor: Tensor, like: Tensor) -> Tensor | None:
        """The tensor for a model that has ``like``, or as it is where nothing can be told of its rows; ``None`` where
        none of the classes is among them."""
        layout = next((item for pattern, item in self.layouts.items() if fnmatchcase(name, pattern)), None)
        if layout is None or not self.own or not self.theirs:
            return tensor
        count = layout.classes_in(tensor, like, len(self.own))
        # published lists begin with background, which some heads have no row for, and others before the classes
        names = next((part for part in (self.theirs, self.theirs[1:]) if len(part) == count), ())
        if not names:
            return tensor
        self.told = True
        pairs = match_classes(self.own, names, self.same)
        self.pairs.update(pairs)
        return layout.taken(tensor, like, pairs, own=len(self.own), theirs=len(names)) if pairs else None


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The named tensors of a weights file, on the CPU. Raises ConfigError when there are none."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise ConfigError("weights file not found", path=path) from error
    except _BROKEN_FILE as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if isinstance(error, pickle.UnpicklingError):  # torch advises to run whatever is in the file
            reason = "it is no file of torch, or holds more than tensors"
        raise ConfigError(
            f"cannot read the weights ({reason})",
            path=path,
            hint="Use a .safetensors file, or a .pt file that holds nothing but tensors",
        ) from error
    found = {name: value for name, value in _unwrapped(content).items() if isinstance(value, Tensor)}
    if not found:
        raise ConfigError("the file holds no weights", path=path)
    return found


def _unwrapped(content: Any) -> dict[str, Any]:
    """The named entries of a file, out of the wrapping that trainers put about them."""
    if not isinstance(content, Mapping):
        return {}
    entries = {str(name): value for name, value in cast("Mapping[Any, Any]", content).items()}
    for wrapper in _WRAPPERS:
        if isinstance(entries.get(wrapper), Mapping):
            return _unwrapped(entries[wrapper])
    return entries


def _best_names(tensors: Mapping[str, Tensor], wanted: set[str]) -> dict[str, Tensor]:
    """The tensors under the names that fit the model best, of the usual ways to prefix them."""
    best: dict[str, Tensor] = dict(tensors)
    hits = len(wanted & set(best))
    for prefix in _PREFIXES:
        for own in _OWN_PREFIXES:
            renamed = {
                own + name.removeprefix(prefix): tensor
                for name, tensor in tensors.items()
                if name.startswith(prefix)
            }
            if len(wanted & set(renamed)) > hits:
                best, hits = renamed, len(wanted & set(renamed))
    return best
