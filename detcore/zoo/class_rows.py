"""Which rows of a head are for which class, and the same classes in other weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRows:
    """How a tensor is laid out by class along its first axis: any number of blocks (one an anchor, or one a cell) of
    ``before`` + K + ``after`` classes of ``each`` rows, and ``rest`` rows behind all blocks; the first ``before`` and the last
    ``after`` are no classes of the user, such as background.
    """

    before: int = 0
    each: int = 1
    after: int = 0
    rest: int = 0

    def classes_in(self, tensor: Tensor, like: Tensor, classes: int) -> int | None:
        """How many classes a tensor has rows for, where ``like`` has them for ``classes``; ``None`` where it differs
        in more than that."""
        others = self.before + self.after
        rows = (len(like) - self.rest) // (others + classes)
        given = len(tensor) - self.rest
        fits = tensor.ndim == like.ndim and tensor.shape[1:] == like.shape[1:] and given % rows == 0
        return given // rows - others if fits else None

    def taken(
        self, tensor: Tensor, like: Tensor, pairs: Mapping[int, int], *, own: int, theirs: int
    ) -> Tensor:
        """``like``, of ``own`` classes, with the rows of ``tensor``, of ``theirs``, for each pair of places, and with
        those that are of no class."""
        result, given = like.clone(), tensor.to(like)
        end, their_end = len(result) - self.rest, len(given) - self.rest
        result[end:] = given[their_end:]
        goal = result[:end].view(-1, self.before + own + self.after, self.each, *like.shape[1:])
        source = given[:their_end].reshape(-1, self.before + theirs + self.after, self.each, *like.shape[1:])
        goal[:, : self.before] = source[:, : self.before]
        goal[:, self.before + own :] = source[:, self.before + theirs :]
        for place, there in pairs.items():
            goal[:, self.before + place] = source[:, self.before + there]
        return result


def match_classes(
    own: Sequence[str], theirs: Sequence[str], same: Mapping[int, int] | None = None
) -> dict[int, int]:
    """Places in ``own`` and the places of the same classes in ``theirs``: those that are the ``same`` whatever they are
    called, then by their names, then whatever their case. Of another name and not known to be the same, a class is new,
    however many there are on both sides."""
    pairs = dict(same or {})
    for key in (str, str.casefold):
        places = {key(name): place for place, name in enumerate(theirs)}
        often = Counter(key(name) for name in theirs)
        for place, name in enumerate(own):
            there = places.get(key(name))
            if (
                there is not None
                and often[key(name)] == 1
                and place not in pairs
                and there not in pairs.values()
            ):
                pairs[place] = there
    return pairs
