"""What a benchmark found, and the one table that shows it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured number. ``aim`` is what it should be or better; ``peer`` is what ``peer_name`` reached
    on this kind of machine. Less is better unless ``more_is_better``."""

    name: str
    value: float
    unit: str
    aim: float | None = None
    peer: float | None = None
    peer_name: str = ""
    more_is_better: bool = False

    @property
    def ratio(self) -> float | None:
        """How many times better than the peer."""
        if self.peer is None or not self.value or not self.peer:
            return None
        return self.value / self.peer if self.more_is_better else self.peer / self.value

    @property
    def reached(self) -> bool | None:
        """Whether the aim is reached; None without an aim."""
        if self.aim is None:
            return None
        return self.value >= self.aim if self.more_is_better else self.value <= self.aim


def best_of(times: int, work: Callable[[], object]) -> float:
    """Seconds of the fastest of several runs: what the code costs without its neighbours."""
    return min(seconds(work) for _ in range(times))


def median_of(times: int, work: Callable[[], object]) -> float:
    """Seconds of the middle run of several."""
    return statistics.median(seconds(work) for _ in range(times))


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one run."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def table(figures: Sequence[Figure]) -> str:
    """All figures, one a line, under a heading."""
    rows = [("", "figure", "aim", "peer", "times better"), *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def _row(figure: Figure) -> tuple[str, str, str, str, str]:
    sign = ">=" if figure.more_is_better else "<="
    aim = "" if figure.aim is None else f"{sign} {_number(figure.aim)} {figure.unit}"
    missed = " (missed)" if figure.reached is False else ""
    peer = "" if figure.peer is None else f"{figure.peer_name} {_number(figure.peer)} {figure.unit}".strip()
    ratio = "" if figure.ratio is None else f"{_number(figure.ratio)}x"
    return (figure.name, f"{_number(figure.value)} {figure.unit}", aim + missed, peer, ratio)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
