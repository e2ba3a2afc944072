"""A script in both processes of a group."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from torch.distributed import TCPStore

from detcore.jobs.devices import environment_of

REPOSITORY = Path(__file__).parents[2]


def two_processes(script: str, *arguments: str) -> list[str]:
    """What the first process and the other one print; both must end well. Their store outlives them, as torchrun's."""
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False, use_libuv=os.name != "nt")
    children = [
        subprocess.Popen(
            [sys.executable, "-c", script, *arguments],
            env={
                **environment_of(rank, count=2, port=store.port, threads=1),
                "TORCHELASTIC_USE_AGENT_STORE": "True",
            },
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        said = [child.communicate(timeout=200) for child in children]
    finally:
        for child in children:
            child.kill()
    assert [child.returncode for child in children] == [0, 0], said
    return [out for out, _ in said]
