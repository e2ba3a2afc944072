"""Which images a run has ever learnt from, of one that learns while they come and go."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from detcore.atomic import atomic_write
from detcore.errors import ProjectError
from detcore.project.run_folder import RunFolder
from detcore.untrusted_json import fits, read_object


def read_learnt(run: RunFolder) -> set[int]:
    """Their ids; none of a run that keeps no such list.

    Raises:
        ProjectError: the list cannot be read, or is damaged.
    """
    try:
        learnt: Any = read_object(run.learnt).get("images")
        if not fits(learnt, "list[int]"):
            raise ValueError("it lists no images")
    except FileNotFoundError:
        return set()
    except OSError as error:
        raise ProjectError(
            f"cannot read which images it has learnt ({error.strerror})", path=run.learnt
        ) from error
    except ValueError as error:
        raise ProjectError(
            f"not a list of the images that it has learnt ({error})", path=run.learnt
        ) from error
    return set(learnt)


def write_learnt(run: RunFolder, image_ids: Iterable[int]) -> None:
    """All or nothing. Raises OSError."""
    with atomic_write(run.learnt) as temporary:
        temporary.write_text(json.dumps({"images": sorted(image_ids)}), encoding="ascii")
