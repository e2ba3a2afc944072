"""What the window tells the learner, a line of JSON each: which images it shows and will show, and whether to pause."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from detcore.untrusted_json import fits, parse_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """``images`` are ids: of the image that is open, then of those that come next; ``None`` leaves them as they were, and
    so it is with ``pause``."""

    images: Sequence[int] | None = None
    pause: bool | None = None

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
        images, pause = record.get("images"), record.get("pause")
        if not fits(images, "list[int] | None") or not fits(pause, "bool | None"):
            return None
        return cls(images=cast("list[int] | None", images), pause=pause)
