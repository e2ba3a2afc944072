"""Reading npz files without trusting them."""

from __future__ import annotations

import threading
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from detcore.errors import ProjectError

_ONE_AT_A_TIME = threading.Lock()
"""numpy reads the header of an array with ``ast.literal_eval``, which in Python 3.11 fails now and then with a
SystemError when two threads are in it."""


def read_columns(path: Path, kinds: Mapping[str, str]) -> dict[str, Any]:
    """The arrays named in ``kinds``, each of that numpy kind: b, i, u, f.

    Pickled arrays could run code on loading and are refused.

    Raises:
        ProjectError: the file is missing, damaged, pickled, or lacks an array.
    """
    try:
        # A file opened here: numpy leaves its own open when the archive turns out to be damaged.
        with _ONE_AT_A_TIME, path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            columns: dict[str, Any] = {name: archive[name] for name in kinds}
    except FileNotFoundError as error:
        raise ProjectError("the file is missing", path=path) from error
    except KeyError as error:
        raise ProjectError(f"the file lacks a part ({error.args[0]})", path=path) from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, TypeError) as error:
        raise ProjectError(
            f"the file is damaged or was not written by Reticle ({error})", path=path
        ) from error
    for name, kind in kinds.items():
        if columns[name].dtype.kind != kind:
            raise ProjectError(
                f"column {name} holds {columns[name].dtype}, not numbers of kind {kind}", path=path
            )
    return columns
