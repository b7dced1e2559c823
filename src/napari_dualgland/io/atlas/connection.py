"""One attempt at one file: the request, where it may be led, and the bytes that come.

requests does the talking; it follows no redirect by itself, for one could lead anywhere.
"""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin

import requests
import urllib3

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.atlas.addresses import Addresses
from napari_dualgland.io.atlas.file_checks import megabytes
from napari_dualgland.io.atlas.request_policy import (
    USER_AGENT,
    RateLimiter,
    RequestPolicy,
    asked_wait,
)
from napari_dualgland.io.atlas.watchdog import GuardedAdapter, Watchdog

_CHUNK = 2**16
_REDIRECTS = 5
_BUSY = {408, 425, 429, 500, 502, 503, 504}
_NUMBER = re.compile(r"[0-9]{1,18}")
_NOT_THERE = {400, 404, 410}  # the atlas answers 400 where it has no 16-bit image


class FetchError(DualglandError):
    """This file cannot be had; others may."""


class NotThere(FetchError):
    """The atlas has no such file."""


class AtlasUnavailable(DualglandError):
    """No file can be had for now."""


class RetryableError(Exception):
    """An attempt failed in a way that a later one may not.

    Parameters
    ----------
    reason : str
        What went wrong.
    asked : float, optional
        Seconds that the service asks to wait.
    everywhere : bool
        Whether other files would fare no better.
    """

    def __init__(self, reason: str, asked: float | None = None, everywhere: bool = False) -> None:
        super().__init__(reason)
        self.asked = asked
        self.everywhere = everywhere


class Connection:
    """Makes single attempts; what came before a failure is kept for the next one.

    Parameters
    ----------
    addresses : Addresses
        Where the atlas is.
    policy : RequestPolicy
        How long to wait.
    limiter : RateLimiter
        Keeps requests apart.
    clock : callable
        Seconds of a clock that never goes back.
    """

    def __init__(
        self,
        addresses: Addresses,
        policy: RequestPolicy,
        limiter: RateLimiter,
        clock: Callable[[], float],
    ) -> None:
        self._addresses = addresses
        self._policy = policy
        self._limiter = limiter
        self._clock = clock
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, GuardedAdapter())
        # Byte ranges and lengths must be those of the file, so it may not be packed on the way.
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})

    def receive(self, url: str, partial: Path, limit: int, seconds: float) -> None:
        """Fetch what ``partial`` lacks of a file.

        Parameters
        ----------
        url : str
            Where it is.
        partial : pathlib.Path
            What came of it so far.
        limit : int
            Bytes that it may have at most.
        seconds : float
            That this may take, whatever comes.

        Raises
        ------
        RetryableError
            If the connection failed, was too slow, did not end, or ended too soon.
        NotThere, FetchError
            If there is no such file, or it is larger than ``limit``.
        AtlasUnavailable
            If whoever answers cannot show that it is the atlas.
        """
        with Watchdog(seconds) as guard:
            try:
                self._try(url, partial, limit)
            except RetryableError:
                if not guard.barked:
                    raise
        # A line that is cut among the trailers looks like one that came to its end.
        if guard.barked:
            raise RetryableError(f"did not end within {seconds:.0f} s")

    def discard(self, partial: Path) -> None:
        """Remove what came of a file."""
        partial.unlink(missing_ok=True)
        _validator_file(partial).unlink(missing_ok=True)

    def _try(self, url: str, partial: Path, limit: int) -> None:
        """Receive, and say in our words what the libraries raise."""
        try:
            self._receive(url, partial, limit)
        except requests.exceptions.SSLError as error:
            found = f"the connection is not safe ({error})"
            raise AtlasUnavailable(Kind.NETWORK, url, found) from error
        except (requests.ConnectionError, requests.Timeout) as error:
            dead = "no answer" if isinstance(error, requests.Timeout) else "cannot be reached"
            raise RetryableError(dead, everywhere=True) from error
        except requests.RequestException as error:
            raise FetchError(Kind.NETWORK, url, str(error)[:300]) from error
        except urllib3.exceptions.LocationValueError as error:
            raise FetchError(Kind.BAD_VALUE, url, f"is no address ({error})"[:300]) from error
        except urllib3.exceptions.ReadTimeoutError as error:
            raise RetryableError(f"nothing came for {self._policy.timeout:g} s") from error
        except (urllib3.exceptions.HTTPError, ConnectionError) as error:
            raise RetryableError("truncated, the connection broke off") from error

    def _receive(self, url: str, partial: Path, limit: int) -> None:
        there = self._resumable(partial)
        asked = {}
        if there:
            # If the file has changed since, the server sends it whole.
            validator = _validator_file(partial).read_text(encoding="ascii", errors="replace")
            asked = {"Range": f"bytes={there}-", "If-Range": validator}
        with self._open(url, asked) as response:
            if response.status_code == 416:
                self.discard(partial)
                raise RetryableError("the part that was asked for is not there")
            if response.status_code != 206:
                there = 0
                self._start(partial, response)
            elif _first_byte(response) != there:
                self.discard(partial)
                raise RetryableError("the server sent another part than was asked for")
            length = response.headers.get("Content-Length", "")
            whole = there + int(length) if _NUMBER.fullmatch(length) else None
            if whole is not None and whole > limit:
                raise _too_large(url, whole, limit)
            # urllib3 raises where less comes than was announced.
            self._stream(url, response, partial, limit)

    def _resumable(self, partial: Path) -> int:
        """Return how many bytes can be built upon."""
        if partial.is_file() and _validator_file(partial).is_file():
            return partial.stat().st_size
        self.discard(partial)
        return 0

    def _start(self, partial: Path, response: requests.Response) -> None:
        self.discard(partial)
        etag = response.headers.get("ETag", "")
        # A weak tag does not promise the same bytes.
        validator = etag if etag.startswith('"') else response.headers.get("Last-Modified", "")
        if validator.isascii() and validator:
            _validator_file(partial).write_text(validator, encoding="ascii")

    def _stream(self, url: str, response: requests.Response, partial: Path, limit: int) -> None:
        start, came = self._clock(), 0
        with partial.open("ab") as file:
            # read1 gives what there is; read would wait for a trickle to fill a whole chunk.
            while chunk := response.raw.read1(_CHUNK, decode_content=False):
                file.write(chunk)
                came += len(chunk)
                if file.tell() > limit:
                    raise _too_large(url, file.tell(), limit)
                seconds = self._clock() - start
                if seconds > self._policy.patience and came < self._policy.slowest * seconds:
                    raise RetryableError(f"too slow, {came:,} bytes in {seconds:.0f} s")

    def _open(self, url: str, headers: dict[str, str]) -> requests.Response:
        """Return the answer to a request, redirects followed as far as they are allowed."""
        place = url
        for _ in range(_REDIRECTS + 1):
            if not self._addresses.allows(place):
                raise FetchError(
                    Kind.NETWORK,
                    url,
                    f"leads to {place[:120]!r}, outside the atlas; not followed",
                )
            self._limiter.wait()
            response = self._get(url, place, headers)
            if not response.is_redirect:
                return self._accepted(url, response)
            response.close()
            place = _joined(url, place, response.headers["Location"])
        raise FetchError(Kind.NETWORK, url, f"redirected more than {_REDIRECTS} times")

    def _get(self, url: str, place: str, headers: dict[str, str]) -> requests.Response:
        try:
            return self._session.get(
                place,
                headers=headers,
                timeout=self._policy.timeout,
                allow_redirects=False,
                stream=True,
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError):
            raise
        # What lies below requests comes through as it is: a proxy or certificates that are not
        # there, a name that cannot be encoded.
        except (OSError, ValueError, http.client.HTTPException) as error:
            found = f"cannot be asked for ({type(error).__name__}: {error})"[:300]
            raise FetchError(Kind.NETWORK, url, found) from error

    def _accepted(self, url: str, response: requests.Response) -> requests.Response:
        status = response.status_code
        if status in (200, 206, 416):
            return response
        asked = asked_wait(response.headers.get("Retry-After"))
        response.close()
        if status in _NOT_THERE:
            raise NotThere(Kind.NOT_THERE, url, f"the atlas has no such file (HTTP {status})")
        if status in _BUSY:
            what = "too many requests" if status == 429 else "the atlas is busy"
            raise RetryableError(f"{what} (HTTP {status})", asked, everywhere=True)
        raise FetchError(Kind.NETWORK, url, f"the atlas refuses it (HTTP {status})")


def _validator_file(partial: Path) -> Path:
    """Return where it is noted which version of a file has come in part."""
    return partial.with_name(f"{partial.name}.stamp")


def _first_byte(response: requests.Response) -> int | None:
    match = re.match(r"bytes ([0-9]{1,18})-", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else None


def _joined(url: str, place: str, location: str) -> str:
    try:
        return urljoin(place, location)
    except ValueError as error:
        found = f"leads to {location[:120]!r}, which is no address"
        raise FetchError(Kind.NETWORK, url, found) from error


def _too_large(url: str, size: int, limit: int) -> FetchError:
    found = f"is larger than the {megabytes(limit)} that it may have ({size:,} bytes)"
    return FetchError(Kind.TOO_LARGE, url, found)
