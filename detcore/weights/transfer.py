"""The rest of a file from a server, over HTTP, given up at any moment."""

from __future__ import annotations

import http.client
import ipaddress
import os
import re
import socket
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import Message
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from detcore.version import VERSION
from detcore.wording import counted

_CHUNK = 1 << 16
_LOOK_SECONDS = 0.1
"""How often the owner is asked whether to go on."""
_LEAVE_SECONDS = 0.5
"""How long a transfer that was given up is waited for: a name server that does not answer cannot be interrupted."""
_LATER = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)$")


class TransferError(Exception):
    """No or not all bytes came. ``again``: it may go better if it is tried again."""

    def __init__(self, text: str, *, again: bool = False) -> None:
        super().__init__(text)
        self.again = again


class Transfer:
    """One request, answered into a file by a thread of its own.

    The file is gone on with at its end where the server can send a part, and written anew where it cannot.
    ``done`` and ``total`` are bytes of the whole file; ``total`` is ``None`` until the server tells it, if it does.
    """

    def __init__(
        self, url: str, file: Path, *, accepts: Callable[[int], bool], most: int, silence: float
    ) -> None:
        """``accepts`` tells whether the file may have so many bytes, ``most`` is how many it has at most. A server may
        be silent for so many seconds of ``silence``."""
        self.done = _size(file)
        self.total: int | None = None
        self._url, self._file = url, file
        self._accepts, self._most, self._silence = accepts, most, silence
        self._given_up = threading.Event()
        self._socket: socket.socket | None = None
        self._error: Exception | None = None

    def run(self, go_on: Callable[[], bool]) -> bool:
        """Fetch the rest; false where ``go_on``, which is asked again and again, said no.

        Raises:
            TransferError: it cannot be had, or not now.
            OSError: the file cannot be written.
        """
        check_url(self._url)
        thread = threading.Thread(target=self._work, name="transfer", daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                thread.join(_LOOK_SECONDS)
                if not go_on():
                    return False
        finally:
            self._given_up.set()
            self._hang_up()
            thread.join(_LEAVE_SECONDS)
        if self._error is not None:
            raise self._error
        return True

    def _work(self) -> None:
        try:
            self._fetch()
        except Exception as error:  # noqa: BLE001 - handed to the owner, who raises it
            self._error = error

    def _fetch(self) -> None:
        with self._asked() as answer:
            start = self._read_head(answer)
            with self._file.open("r+b" if start else "wb") as file:
                if start:
                    file.truncate(start)
                    file.seek(start)
                self.done = start
                while chunk := self._read(answer):
                    file.write(chunk)
                    self.done += len(chunk)
                    if self.done > self._most:
                        raise TransferError("the server sends more than the file has")
        if self.total is not None and self.done < self.total:
            raise TransferError(
                f"the connection was cut after {self.done:,} of {counted(self.total, 'byte')}", again=True
            )

    def _asked(self) -> http.client.HTTPResponse:
        headers = {"User-Agent": f"Reticle/{VERSION}", "Accept-Encoding": "identity"}
        if self.done:
            headers["Range"] = f"bytes={self.done}-"
        request = urllib.request.Request(self._url, headers=headers)
        try:
            return _opener(self._opened).open(request, timeout=self._silence)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and self.done:
                os.truncate(self._file, 0)  # the part is longer than the file: it is of another one
                raise TransferError("the server has another file than before", again=True) from error
            again = error.code in _LATER or error.code >= HTTPStatus.INTERNAL_SERVER_ERROR
            raise TransferError(f"the server answered {error.code} {error.reason}", again=again) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _no_connection(error) from error

    def _read_head(self, answer: http.client.HTTPResponse) -> int:
        """From which byte on the answer is, 0 for the whole file."""
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise TransferError("the server sends the file in an encoding that was not asked for")
        if answer.status == HTTPStatus.PARTIAL_CONTENT:
            found = _RANGE.match(answer.headers.get("Content-Range", ""))
            if found is None or int(found[1]) != self.done:
                os.truncate(self._file, 0)
                raise TransferError("the server sends another part than it was asked for", again=True)
            self.total, start = None if found[2] == "*" else int(found[2]), self.done
        else:
            length = answer.headers.get("Content-Length", "")
            self.total, start = int(length) if length.isdecimal() else None, 0
        if self.total is not None and not self._accepts(self.total):
            raise TransferError(f"the server offers a file of {counted(self.total, 'byte')}")
        return start

    def _read(self, answer: http.client.HTTPResponse) -> bytes:
        if self._given_up.is_set():
            raise TransferError("given up")
        try:
            return answer.read1(_CHUNK)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _no_connection(error) from error

    def _opened(self, connection: socket.socket) -> None:
        self._socket = connection
        if self._given_up.is_set():
            self._hang_up()

    def _hang_up(self) -> None:
        """Wake the thread that waits for the server."""
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it is closed already


def check_url(url: str, *, from_here: bool = True) -> None:
    """Only HTTPS is spoken, and plain HTTP with this machine itself, to which no other server may lead on
    (``from_here`` false).

    Raises:
        TransferError: it is another address.
    """
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise TransferError(f"{parts.hostname} asks for a name and a password, which is not supported")
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and from_here and _is_loopback(parts.hostname or ""):
        return
    raise TransferError(f"{parts.scheme}://{parts.hostname or ''} is no secure address (https)")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _no_connection(error: Exception) -> TransferError:
    """What the network says of a server that cannot be reached or read."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TransferError):
        return reason
    if isinstance(reason, socket.gaierror):
        return TransferError("its address is not known: there is no network, or a proxy is needed")
    if isinstance(reason, ssl.SSLCertVerificationError):
        return TransferError(f"its certificate is not valid ({reason.verify_message})")
    if isinstance(reason, TimeoutError):
        return TransferError("the server does not answer", again=True)
    text = reason.strerror if isinstance(reason, OSError) and reason.strerror else str(reason)
    return TransferError(f"the connection failed ({text or type(reason).__name__})", again=True)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows only to addresses that may be spoken to."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        try:
            check_url(newurl, from_here=_is_loopback(urlsplit(req.full_url).hostname or ""))
        except TransferError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # pyright: ignore[reportArgumentType]


class _TellsOfSocket(http.client.HTTPConnection):
    """A connection that tells of its socket once it is there."""

    def __init__(self, host: str, *, opened: Callable[[socket.socket], None], **arguments: Any) -> None:
        super().__init__(host, **arguments)
        self._told = opened

    def connect(self) -> None:
        super().connect()
        self._told(self.sock)


class _SecureConnection(_TellsOfSocket, http.client.HTTPSConnection):
    """The same, encrypted."""


class _Http(urllib.request.HTTPHandler):
    def __init__(self, opened: Callable[[socket.socket], None]) -> None:
        super().__init__()
        self._opened = opened

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_TellsOfSocket, opened=self._opened), req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, opened: Callable[[socket.socket], None]) -> None:
        super().__init__()
        self._opened = opened

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        make = partial(_SecureConnection, opened=self._opened, context=ssl.create_default_context())
        return self.do_open(make, req)


def _opener(opened: Callable[[socket.socket], None]) -> urllib.request.OpenerDirector:
    """HTTP and HTTPS alone, through the proxies that the environment or the system names."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        _Http(opened),
        _Https(opened),
        _Redirects(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener
