"""Getting published weights from a server that is broken, slow or wrong."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from detcore.errors import Cancelled, DownloadError
from detcore.weights.cache import WeightsCache
from detcore.weights.download import get_weights
from detcore.weights.transfer import TransferError, check_url
from tests.loopback import CONTENT, FILE, SHA256, Server, serving

SOON = (0.01, 0.01)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def cache(tmp_path: Path) -> WeightsCache:
    return WeightsCache(tmp_path / "cache")


def names(cache: WeightsCache) -> list[str]:
    """What lies in the cache, but for locks."""
    return sorted(path.name for path in cache.folder.iterdir() if not path.name.endswith(".lock"))


def test_a_file_comes_whole_under_the_name_of_the_catalogue_and_only_once(
    server: Server, cache: WeightsCache
) -> None:
    told: list[tuple[int, int]] = []
    path = get_weights(server.file(), cache, progress=lambda done, total: not told.append((done, total)))
    assert path == cache.folder / "tiny-12345678.pth"
    assert path.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert names(cache) == ["tiny-12345678.pth"]  # the server called it something else
    assert get_weights(server.file(), cache) == path
    assert len(server.requests) == 1
    assert "Authorization" not in server.requests[0][1]


def test_what_was_begun_and_forgotten_goes_when_something_is_fetched(
    server: Server, cache: WeightsCache
) -> None:
    ages = {".old.pth.part": 31, ".new.pth.part": 29, ".by-hand.0123abcd.part.pth": 1, "old.pth": 99}
    cache.folder.mkdir()
    for name, days in ages.items():
        (cache.folder / name).write_bytes(b"half")
        os.utime(cache.folder / name, (time.time() - days * 24 * 3600,) * 2)
    get_weights(server.file(), cache)
    assert names(cache) == [".new.pth.part", "old.pth", "tiny-12345678.pth"]


def test_a_damaged_file_in_the_cache_is_fetched_again(server: Server, cache: WeightsCache) -> None:
    path = get_weights(server.file(), cache)
    path.write_bytes(b"x" * len(CONTENT))
    assert get_weights(server.file(), cache).read_bytes() == CONTENT


@pytest.mark.parametrize("sha256", [SHA256, SHA256[:8]])
def test_wrong_bytes_are_refused_with_both_sums(server: Server, cache: WeightsCache, sha256: str) -> None:
    server.content = b"y" * len(CONTENT)
    with pytest.raises(DownloadError, match="sent something else") as told:
        get_weights(server.file(sha256=sha256), cache, pauses=SOON)
    assert sha256 in str(told.value)
    assert hashlib.sha256(server.content).hexdigest() in str(told.value)
    assert names(cache) == []
    assert len(server.requests) == 1


def test_a_file_of_another_length_is_refused_before_it_comes(server: Server, cache: WeightsCache) -> None:
    server.answers = ["short"]
    with pytest.raises(DownloadError, match="offers a file of 256,000 bytes") as told:
        get_weights(server.file(), cache, pauses=SOON)
    way, _, where = str(told.value).rpartition(": ")
    assert FILE in where  # long, so the window may cut it
    assert "Add a file…" in way
    assert "weights add" in way
    assert names(cache) == []


def test_a_server_that_never_ends_is_left(server: Server, cache: WeightsCache) -> None:
    server.answers = ["endless"]
    with pytest.raises(DownloadError, match="sends more than the file has"):
        get_weights(server.file(), cache, pauses=SOON)
    assert not cache.path(server.file()).exists()


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_is_not_there_is_not_asked_for_again(server: Server, cache: WeightsCache, status: int) -> None:
    server.answers = [status] * 9
    with pytest.raises(
        DownloadError, match=f"tiny-coco cannot be had from 127.0.0.1: the server answered {status}"
    ):
        get_weights(server.file(), cache, pauses=SOON)
    assert len(server.requests) == 1


def test_a_server_in_trouble_is_asked_again(server: Server, cache: WeightsCache) -> None:
    server.answers = [500, 503]
    assert get_weights(server.file(), cache, pauses=SOON).read_bytes() == CONTENT
    assert len(server.requests) == 3


def test_a_server_in_lasting_trouble_is_given_up(server: Server, cache: WeightsCache) -> None:
    server.answers = [500] * 9
    with pytest.raises(DownloadError, match="answered 500"):
        get_weights(server.file(), cache, pauses=SOON)
    assert len(server.requests) == 3


def test_after_a_cut_it_goes_on_where_it_was(server: Server, cache: WeightsCache) -> None:
    server.answers = ["cut", "cut"]
    assert get_weights(server.file(), cache, pauses=SOON).read_bytes() == CONTENT
    assert server.starts == [None, "bytes=256000-", "bytes=384000-"]


def test_cuts_do_not_count_as_long_as_something_comes(server: Server, cache: WeightsCache) -> None:
    server.answers = ["cut"] * 8
    assert get_weights(server.file(), cache, pauses=SOON).read_bytes() == CONTENT


def test_without_ranges_it_starts_anew(server: Server, cache: WeightsCache) -> None:
    server.answers, server.ranges = ["cut"], False
    assert get_weights(server.file(), cache, pauses=SOON).read_bytes() == CONTENT
    assert server.starts == [None, "bytes=256000-"]


def test_what_was_left_of_another_file_does_not_spoil_this_one(server: Server, cache: WeightsCache) -> None:
    cache.folder.mkdir()
    part = cache.folder / ".tiny-12345678.pth.part"
    for old in (b"old" * 100, b"old" * len(CONTENT), b"z" * len(CONTENT)):
        part.write_bytes(old)
        assert get_weights(server.file(), cache, pauses=SOON).read_bytes() == CONTENT
        cache.path(server.file()).unlink()
        assert not part.exists()


def test_a_file_that_was_whole_when_the_process_was_killed_is_not_fetched_again(
    server: Server, cache: WeightsCache
) -> None:
    cache.folder.mkdir()
    (cache.folder / ".tiny-12345678.pth.part").write_bytes(CONTENT)
    assert get_weights(server.file(), cache).read_bytes() == CONTENT
    assert server.requests == []


@pytest.mark.parametrize("when", ["stall", "slow"])
def test_it_stops_within_a_second_and_goes_on_later(server: Server, cache: WeightsCache, when: str) -> None:
    server.answers = ["stall"] if when == "stall" else []
    server.pause = 0.0 if when == "stall" else 0.5
    begun = time.monotonic()
    threads = threading.active_count()
    with pytest.raises(Cancelled, match="kept for the next time"):
        get_weights(server.file(), cache, progress=lambda done, _total: done == 0)
    stopped = time.monotonic() - begun
    assert stopped < 1.5  # asked after the first bytes, a tenth of a second later at most
    assert threading.active_count() <= threads + 1  # the server's own
    assert names(cache) == [".tiny-12345678.pth.part"]
    server.pause = 0.0
    assert get_weights(server.file(), cache).read_bytes() == CONTENT
    assert server.starts[1] is not None


def test_a_silent_server_is_tried_again_and_then_given_up(server: Server, cache: WeightsCache) -> None:
    server.answers = ["stall"] * 9
    with pytest.raises(DownloadError, match="does not answer"):
        get_weights(server.file(), cache, pauses=(), silence=0.2)


def test_nobody_there_is_said(cache: WeightsCache) -> None:
    with serving() as server:
        file = server.file()
    with pytest.raises(DownloadError, match="connection failed"):
        get_weights(file, cache, pauses=SOON)


def test_a_redirect_is_followed_on_this_machine(server: Server, cache: WeightsCache) -> None:
    server.answers, server.goal = ["elsewhere"], server.url + "/other/name.bin"
    assert get_weights(server.file(), cache).name == "tiny-12345678.pth"
    assert [path for path, _headers in server.requests] == [FILE, "/other/name.bin"]


@pytest.mark.parametrize(
    "goal", ["http://example.invalid/a.pth", "file:///etc/passwd", "ftp://example.invalid/a"]
)
def test_a_redirect_to_an_address_that_is_not_secure_is_refused(
    server: Server, cache: WeightsCache, goal: str
) -> None:
    server.answers, server.goal = ["elsewhere"], goal
    with pytest.raises(DownloadError, match="no secure address|not allowed"):
        get_weights(server.file(), cache, pauses=SOON)


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://example.invalid/a", True),
        ("http://127.0.0.1:80/a", True),
        ("http://[::1]/a", True),
        ("http://localhost/a", True),
        ("http://example.invalid/a", False),
        ("http://127.0.0.1.example.invalid/a", False),
        ("https://user:word@example.invalid/a", False),
        ("file:///a", False),
    ],
)
def test_only_secure_addresses_and_this_machine_are_spoken_to(url: str, good: bool) -> None:
    if good:
        check_url(url)
    else:
        with pytest.raises(TransferError):
            check_url(url)


def test_another_server_cannot_lead_to_this_machine() -> None:
    with pytest.raises(TransferError):
        check_url("http://127.0.0.1/a", from_here=False)


def test_the_proxy_of_the_environment_is_asked(
    server: Server, cache: WeightsCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    file = server.file(url="http://localhost:9/models/tiny-12345678.pth")  # where nobody is
    assert get_weights(file, cache, pauses=()).read_bytes() == CONTENT
    assert server.requests[0][0] == file.url


def test_the_proxy_is_asked_to_connect_to_a_secure_server(
    server: Server, cache: WeightsCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    with pytest.raises(DownloadError, match="502"):
        get_weights(server.file(url="https://example.invalid/tiny-12345678.pth"), cache, pauses=())
    assert server.requests[0][0] == "example.invalid:443"


def test_a_full_disk_is_said_of_the_file_and_nothing_stays(
    server: Server, cache: WeightsCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("detcore.atomic.os.fsync", fsync)
    with pytest.raises(OSError, match="No space") as told:
        get_weights(server.file(), cache)
    assert told.value.filename == str(cache.path(server.file()))
    assert names(cache) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_a_disk_that_is_full_on_the_way_is_said_as_well(server: Server, cache: WeightsCache) -> None:
    cache.folder.mkdir()
    (cache.folder / ".tiny-12345678.pth.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space"):
        get_weights(server.file(), cache)
    assert names(cache) == []


GET = """
import sys
from pathlib import Path
from detcore.weights.cache import WeightsCache
from detcore.weights.download import get_weights
from tests.loopback import Server
server = Server(url=sys.argv[1])
print(get_weights(server.file(), WeightsCache(Path(sys.argv[2]))))
"""


def test_two_processes_that_want_the_same_file_fetch_it_once(server: Server, cache: WeightsCache) -> None:
    server.pause = 0.05  # a second and a half in all
    root = Path(__file__).resolve().parents[3]
    command = [sys.executable, "-c", GET, server.url, str(cache.folder)]
    both = [
        subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _number in range(2)
    ]
    answers = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], answers
    assert cache.path(server.file()).read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_who_waits_for_another_process_can_stop(server: Server, cache: WeightsCache) -> None:
    server.answers = ["stall"]
    going = threading.Event()
    going.set()
    first = threading.Thread(
        target=lambda: pytest.raises(
            Cancelled, get_weights, server.file(), cache, progress=lambda _done, _total: going.is_set()
        )
    )
    first.start()
    while not server.requests:
        time.sleep(0.01)
    begun = time.monotonic()
    with pytest.raises(Cancelled):
        get_weights(server.file(), cache, progress=lambda _done, _total: False)
    assert time.monotonic() - begun < 1
    going.clear()
    first.join()
