"""The lock of the store goes round."""

from __future__ import annotations

import threading

from detcore.project.fair_lock import FairLock


def test_a_lock_that_is_taken_again_at_once_first_goes_to_who_waits() -> None:
    lock = FairLock()
    order: list[str] = []
    waits = threading.Event()

    def wait() -> None:
        waits.set()
        with lock:
            order.append("waiting")

    thread = threading.Thread(target=wait)
    with lock:
        assert not lock.is_wanted
        thread.start()
        waits.wait()
        thread.join(timeout=0.2)  # until it has asked for the lock
        assert lock.is_wanted
        order.append("first")
    with lock:
        order.append("again")
    thread.join()
    assert order == ["first", "waiting", "again"]


def test_one_at_a_time_holds_it_and_none_is_forgotten() -> None:
    lock = FairLock()
    inside = turns = most = 0

    def work() -> None:
        nonlocal inside, turns, most
        for _ in range(200):
            with lock:
                inside += 1
                most = max(most, inside)
                turns += 1
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, turns) == (1, 8 * 200)
