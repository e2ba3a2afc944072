"""Which devices a job computes on, from the words that users write; and the environment by which the processes of
one job find each other. Free of torch."""

from __future__ import annotations

import os

from detcore.errors import ConfigError

_ONE = ("auto", "cpu", "cuda")
_RANK_VARIABLES = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE")


def device_names(wanted: str) -> tuple[str, ...]:
    """One name for each process of a job: ``auto``, ``cpu``, ``cuda`` and ``cuda:N`` are one; ``0,1`` and
    ``cuda:0,cuda:1`` are two GPUs, ``cpu,cpu`` is the processor with two processes.

    Raises:
        ConfigError: these are no devices, a GPU is named twice, or GPUs and the processor are mixed.
    """
    words = [word.strip() for word in wanted.split(",")]
    names = tuple(f"cuda:{int(word)}" if word.isdecimal() else word for word in words)
    known = all(name in _ONE or name.removeprefix("cuda:").isdecimal() for name in names)
    processor = all(name == "cpu" for name in names)
    gpus = len(set(names)) == len(names) and not set(names) & set(_ONE)
    if not known or (len(names) > 1 and not processor and not gpus):
        hint = "Use auto, cpu, cuda or cuda:0; several GPUs as 0,1; several processes as cpu,cpu"
        raise ConfigError(f"{wanted!r} is no device", hint=hint)
    return names


def cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def process_rank() -> int:
    """Which of the processes of a job this one is; 0 leads, and is also the rank of one that is alone."""
    return int(os.environ.get("RANK", "0"))


def process_count() -> int:
    """How many processes do the job of this one."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def environment_alone() -> dict[str, str]:
    """This process's environment, for a child that is to work by itself."""
    return {name: value for name, value in os.environ.items() if name not in _RANK_VARIABLES}


def environment_of(rank: int, *, count: int, port: int, threads: int) -> dict[str, str]:
    """What torchrun would set for process number ``rank`` of ``count`` on this machine alone."""
    given = {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    wishes = {"OMP_NUM_THREADS": str(threads)}
    if os.name == "nt":
        wishes["USE_LIBUV"] = "0"  # torch for Windows is built without it
    elif os.uname().sysname == "Linux":
        wishes["GLOO_SOCKET_IFNAME"] = "lo"  # nobody outside needs to reach them
    return {**wishes, **os.environ, **given}
