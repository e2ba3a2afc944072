"""A training that is killed again and again and goes on each time, until it is left alone:

    python -m tests.detcore.training.mortal train RUN_DIR at 1 2 3          dies before its first file operation, goes on
                                                                            and dies before its second …
    python -m tests.detcore.training.mortal train RUN_DIR after 0.2 0.4    dies after so many seconds
    python -m tests.detcore.training.mortal learn RUN_DIR after 0.2 0.4    the learner, which is not left alone in the end

Each life is a child of its own, ended by a real SIGKILL, so that nothing tidies up. Prints how many died.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

import detcore.zoo.checkpoint
from tests.detcore.working import work_here


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Fate:
    """Ends the process before its file operation number ``at``. A file that is being written is left half
    written."""

    def __init__(self, at: int) -> None:
        self._left = at
        os.replace = self._before(os.replace)  # type: ignore[assignment]
        os.fsync = self._before(os.fsync)  # type: ignore[assignment]
        detcore.zoo.checkpoint.save_file = self._save  # type: ignore[attr-defined]

    def _due(self) -> bool:
        self._left -= 1
        return self._left == 0

    def _before(self, operation: Callable[..., Any]) -> Callable[..., Any]:
        def mortal(*arguments: Any) -> Any:
            if self._due():
                die()
            return operation(*arguments)

        return mortal

    def _save(self, tensors: dict[str, torch.Tensor], path: Path, metadata: dict[str, str]) -> None:
        save_file(tensors, path, metadata=metadata)
        if self._due():
            with path.open("rb+") as file:
                file.truncate(path.stat().st_size // 2)
            die()


def live(verb: str, run: str, how: str, when: float) -> int:
    """Do it in a child that dies then, unless it is done before; its status as ``os.waitpid`` has it."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    if how == "at" and when:
        Fate(int(when))
    elif when:
        threading.Timer(when, die).start()
    code, heard = work_here(verb, run)
    if code:
        sys.stderr.write(f"{heard[-1]}\n")
    os._exit(int(code))


def main(verb: str, run: str, how: str, *times: str) -> int:
    torch.set_num_threads(1)  # no pool that a fork would lose
    died = 0
    left_alone = (0.0,) if verb == "train" else ()
    status = 0
    for when in (*map(float, times), *left_alone):
        status = live(verb, run, how, when)
        if os.WIFSIGNALED(status):
            died += 1
        else:
            break
    sys.stdout.write(f"{died}\n")
    return os.waitstatus_to_exitcode(status) if left_alone else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
