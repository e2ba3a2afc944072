"""What the window tells the learner, a line of JSON each: which images it shows and will show, whether to pause, and when
to look at all images."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from detcore.untrusted_json import fits, parse_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """``images`` are ids: of the image that is open, then of those that come next; ``None`` leaves them as they were, and
    so it is with ``pause``. ``everything``: look at all images with the weights of now, once."""

    images: Sequence[int] | None = None
    pause: bool | None = None
    everything: bool = False

    def encode(self) -> str:
        """As one line, without the line feed."""
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, line: str) -> Wish | None:
        """``None`` for a line that is none."""
        try:
            record: Any = parse_json(line)
        except ValueError:
            return None
        if not fits(record, "dict[str, Any]"):
            return None
        images, pause, everything = (record.get(name) for name in ("images", "pause", "everything"))
        if not fits(images, "list[int] | None") or not fits(pause, "bool | None"):
            return None
        return cls(images=cast("list[int] | None", images), pause=pause, everything=everything is True)
