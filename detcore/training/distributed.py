"""Several processes, one a device, in torchrun's environment: who we are, how all keep in step, and what they hand
each other.

Without that environment there is one process and every call here is free. What is said goes over gloo, also between
GPUs; only gradients take NCCL, where there is one.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from threading import Event as Flag
from threading import Thread
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, distributed, nn
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous  # pyright: ignore[reportUnknownVariableType]
from torch.nn.parallel import DistributedDataParallel

from detcore.errors import Cancelled, ReticleError
from detcore.jobs.devices import process_count, process_rank
from detcore.zoo.parts.divisor import shared_divisors
from detcore.zoo.running import OutOfMemoryError

_PATIENCE = timedelta(hours=1)
"""How long a process waits for the others, as while the first one judges or writes. That one has died is noticed at
once, by its connections."""
_ROUND_SECONDS = 0.5
"""Between two times that all tell each other how far they are with what each does by itself."""
_SMALL_BATCH = 8
"""Of fewer images statistics are too noisy to normalise by."""
_LOOK_SECONDS = 0.05
_MEETING = "reticle"
_OUT_OF_MEMORY = "out_of_memory"  # names, among what all can read, the rank of one that has run out
_MEMORY_LOOK_SECONDS, _MEMORY_PARTING_SECONDS = 1.0, 3.0
"""Between two looks at that, and for a process that reads it to come to its end by itself."""
_PEER_WORDS = ("gloo/", "nccl", "connection closed by peer", "connection reset by peer", "broken pipe")


Result = TypeVar("Result")


class PeerLostError(ReticleError):
    """Another process of the job is gone, and says itself why."""


class PeerMemoryError(OutOfMemoryError):
    """Memory ran out in another process of the job, which says so itself."""


class _Step(DistributedDataParallel):
    """Losses of a step that all processes make together."""

    def forward(self, *inputs: Any, **named: Any) -> Any:
        with shared_divisors():
            return cast("Any", super()).forward(*inputs, **named)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """This process is number ``rank`` of ``world_size``, number ``local_rank`` of ``local_world_size`` on its
    machine."""

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0
    local_world_size: int = 1
    store: Store | None = None
    """What all can read and write, as long as one that started them is there."""

    @property
    def leads(self) -> bool:
        """Whether this is the process that speaks, judges and writes."""
        return self.rank == 0

    @property
    def beside_leader(self) -> bool:
        """Whether it is on the first process's machine."""
        return self.rank == self.local_rank

    def times(self, device_name: str) -> str:
        """What all compute on, where all are alike: ``2 × NVIDIA H200``."""
        return device_name if self.world_size == 1 else f"{self.world_size} × {device_name}"

    def agree(self, *values: float) -> tuple[float, ...]:
        """The leader's values, in every process."""
        if self.world_size == 1:
            return values
        tensor = torch.tensor(values, dtype=torch.float64)
        distributed.broadcast(tensor, src=0)
        return tuple(float(value) for value in tensor)

    def highest(self, *values: float) -> tuple[float, ...]:
        """The highest that any process has of each value, in every process."""
        if self.world_size == 1:
            return values
        tensor = torch.tensor(values, dtype=torch.float64)
        distributed.all_reduce(tensor, distributed.ReduceOp.MAX)
        return tuple(float(value) for value in tensor)

    def gather(self, *values: float) -> list[tuple[float, ...]]:
        """The values of each process, by rank, in every process; all have as many."""
        if self.world_size == 1:
            return [values]
        own = torch.tensor(values, dtype=torch.float64)
        found = [torch.empty_like(own) for _ in range(self.world_size)]
        distributed.all_gather(found, own)
        return [tuple(map(float, tensor)) for tensor in found]

    def spread(self, content: bytes) -> bytes:
        """The leader's bytes, in every process; what the others give is passed over."""
        if self.world_size == 1:
            return content
        size = torch.tensor([len(content)], dtype=torch.int64)
        distributed.broadcast(size, src=0)
        tensor = _as_tensor(content) if self.leads else torch.empty(int(size), dtype=torch.uint8)
        if len(tensor):
            distributed.broadcast(tensor, src=0)
        return tensor.numpy().tobytes()

    def collect(self, content: bytes) -> list[bytes]:
        """In the leader the bytes of every process, by rank; in the others nothing."""
        if self.world_size == 1:
            return [content]
        sizes = [torch.zeros(1, dtype=torch.int64) for _ in range(self.world_size)]
        distributed.all_gather(sizes, torch.tensor([len(content)], dtype=torch.int64))
        if not self.leads:
            if content:
                distributed.send(_as_tensor(content), dst=0)
            return []
        found = [content]
        for rank in range(1, self.world_size):
            tensor = torch.empty(int(sizes[rank]), dtype=torch.uint8)
            if len(tensor):
                distributed.recv(tensor, src=rank)
            found.append(tensor.numpy().tobytes())
        return found

    def each(self, work: Callable[[Flag], Result]) -> Result:
        """What this process makes of a work that it does by itself, when all are done with theirs, however long that
        takes. The flag that ``work`` gets is set once the result is wanted no more: then it may end early.

        Raises:
            OutOfMemoryError: memory ran out in one of them; all of them raise it.
        """
        unwanted = Flag()
        if self.world_size == 1:
            return work(unwanted)
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="work") as lane:
            own = lane.submit(work, unwanted)
            try:
                while True:
                    done, _ = wait([own], timeout=_ROUND_SECONDS)
                    error = own.exception() if done else None
                    if error is not None and not isinstance(error, OutOfMemoryError):
                        raise error
                    ends = self.gather(float(bool(done)), float(error is not None))
                    short = [rank for rank, (_, ran_out) in enumerate(ends) if ran_out]
                    if short:
                        raise error or self._ran_out_in(str(short[0]))
                    if all(is_done for is_done, _ in ends):
                        return own.result()
            finally:
                unwanted.set()

    @contextmanager
    def memory_shared(self, leave: Callable[[OutOfMemoryError], None]) -> Generator[None, None, None]:
        """Where memory runs out in one process while the block lasts, it has run out in all: they are to begin again with
        less, together. One that waits on its GPU for another does not hear that this one is gone: ``leave``, which is to
        end the process, is called on another thread then.

        Raises:
            PeerMemoryError: another process says so, and is gone.
        """
        over = Flag()
        if self.store is not None:
            Thread(target=self._watch_memory, args=(over, leave), name="memory", daemon=True).start()
        try:
            yield
        except OutOfMemoryError:
            if self.store is not None:
                self.store.set(_OUT_OF_MEMORY, str(self.rank))
            raise
        except RuntimeError as error:
            if _tells_of_peer(error) and (who := self._who_ran_out()):
                raise self._ran_out_in(who) from error
            raise
        finally:
            over.set()

    def _watch_memory(self, over: Flag, leave: Callable[[OutOfMemoryError], None]) -> None:
        while not over.wait(_MEMORY_LOOK_SECONDS):
            if who := self._who_ran_out():
                if not over.wait(_MEMORY_PARTING_SECONDS):
                    leave(self._ran_out_in(who))
                return

    def _who_ran_out(self) -> str:
        """The rank of a process that has; "" as long as there is none."""
        try:
            return "" if self.store is None else _read(self.store, _OUT_OF_MEMORY)
        except RuntimeError:
            return ""  # the store was the other's

    def _ran_out_in(self, rank: str) -> PeerMemoryError:
        return PeerMemoryError(
            f"memory ran out in process {int(rank) + 1} of {self.world_size}",
            hint="Use a smaller batch or image size, or close other programs on its machine",
        )

    def wrap(self, detector: nn.Module, device: torch.device, *, batch_size: int) -> nn.Module:
        """The detector with its gradients averaged over all processes, so that they are those of one process with
        all ``world_size`` times ``batch_size`` images, as far as its losses use ``divisor``.

        On GPUs with few images each, batch norm takes its statistics of the images of all. Torch has none for that
        on the processor: there each process normalises by its own images, and the running averages
        are the leader's.
        """
        if self.world_size == 1:
            return detector
        if device.type != "cuda":
            return _Step(detector)
        if batch_size < _SMALL_BATCH:
            detector = cast("Any", nn.SyncBatchNorm).convert_sync_batchnorm(detector)
        return _Step(detector, device_ids=[device])


@contextmanager
def joined_group(*, stop: Flag | None = None) -> Generator[Group, None, None]:
    """The group that torchrun's environment describes; alone without it.

    Raises:
        PeerLostError: another process is gone, or never came.
        Cancelled: ``stop`` was set while others were waited for.
    """
    count = process_count()
    if count == 1:
        yield Group()
        return
    if os.name == "nt":
        os.environ.setdefault("USE_LIBUV", "0")
    with _peer_watch():
        store = _join(stop or Flag())
        yield Group(
            store=store,
            rank=process_rank(),
            world_size=count,
            local_rank=int(os.environ.get("LOCAL_RANK", "0")),
            local_world_size=int(os.environ.get("LOCAL_WORLD_SIZE", "1")),
        )
        # After a failure the end of the process closes the connections: saying goodbye to those that are gone
        # could take for ever.
        distributed.destroy_process_group()


def _join(stop: Flag) -> Store:
    gpus = torch.cuda.is_available() and distributed.is_nccl_available()
    shared, rank, count = next(cast("Any", rendezvous)("env://", timeout=_PATIENCE))
    # Under torchrun it outlives all processes, and with it the addresses of those that are gone.
    store = PrefixStore(_meet(shared, rank, count, stop), shared)
    distributed.init_process_group(
        "cpu:gloo,cuda:nccl" if gpus else "gloo",
        store=store,
        rank=rank,
        world_size=count,
        timeout=_PATIENCE,
    )
    return store


def _meet(store: Store, rank: int, count: int, stop: Flag) -> str:
    """Wait for the processes that there are now, whatever earlier ones have left in the store; returns a name for what
    these share, which none before them had.

    The first process names the meeting; the others put their own names down for it, again whenever there is another
    one, until it says that they are expected.
    """
    own, until = secrets.token_hex(8), time.monotonic() + _PATIENCE.total_seconds()
    if rank == 0:
        store.set(_MEETING, own)
    while not stop.wait(_LOOK_SECONDS):
        if time.monotonic() >= until:
            raise PeerLostError("another process of this job never came", hint="See what that one said")
        meeting = _read(store, _MEETING)
        if rank > 0 and meeting:
            store.set(f"{_MEETING}/{rank}", f"{meeting} {own}")
            if own in _read(store, meeting).split():
                return meeting
        elif rank == 0:
            others = [_read(store, f"{_MEETING}/{other}").split() for other in range(1, count)]
            if all(there[:1] == [own] for there in others):
                store.set(own, " ".join(there[1] for there in others))
                return own
    raise Cancelled("stopped")


def _read(store: Store, name: str) -> str:
    """ "" as long as there is none."""
    return store.get(name).decode() if store.check([name]) else ""


@contextmanager
def _peer_watch() -> Generator[None, None, None]:
    """Turn every way in which torch says that another process is gone into one ``PeerLostError``."""
    try:
        yield
    except RuntimeError as error:
        if not _tells_of_peer(error):
            raise
        raise PeerLostError(
            "another process of this job is gone", hint="See what that one said; then resume"
        ) from error


def _tells_of_peer(error: RuntimeError) -> bool:
    words = str(error).lower()
    return isinstance(error, distributed.DistError) or any(part in words for part in _PEER_WORDS)


def _as_tensor(content: bytes) -> Tensor:
    if not content:
        return torch.empty(0, dtype=torch.uint8)
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)
