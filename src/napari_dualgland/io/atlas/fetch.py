"""One file from the atlas: asked for politely, resumed, checked, and then laid down whole.

What has come so far lies in the cache, never in a person's folder, so that an interrupted
download goes on where it was and a folder of images holds images alone.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import platformdirs

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.atlas.addresses import Addresses
from napari_dualgland.io.atlas.connection import (
    AtlasUnavailable,
    Connection,
    FetchError,
    NotThere,
    RetryableError,
)
from napari_dualgland.io.atlas.file_checks import Damaged, WrongContent
from napari_dualgland.io.atlas.request_policy import RateLimiter, RequestPolicy
from napari_dualgland.io.atomic import replacing

__all__ = ["AtlasUnavailable", "FetchError", "Fetcher", "NotThere"]

log = logging.getLogger(__name__)


def _cache_folder() -> Path:
    """Return where pages and unfinished files lie; ``DUALGLAND_CACHE`` names another place."""
    chosen = os.environ.get("DUALGLAND_CACHE")
    return (Path(chosen) if chosen else platformdirs.user_cache_path("dualgland")) / "atlas"


class Fetcher:
    """Fetches files of the atlas, one after the other.

    Parameters
    ----------
    addresses : Addresses
        Where the atlas is; nothing is asked of any other place.
    policy : RequestPolicy, optional
        How often to ask and how long to wait.
    cache : pathlib.Path, optional
        Where pages and unfinished files lie; by default in the user's cache folder.
    sleep, clock : callable
        Wait so many seconds; seconds of a clock that never goes back. Tests give their own.
    """

    def __init__(
        self,
        addresses: Addresses,
        policy: RequestPolicy | None = None,
        cache: Path | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.addresses = addresses
        self.policy = policy or RequestPolicy()
        self.cache = _cache_folder() if cache is None else cache
        self._sleep, self._clock = sleep, clock
        limiter = RateLimiter(self.policy.rate, sleep, clock)
        self._connection = Connection(addresses, self.policy, limiter, clock)

    def fetch(self, url: str, target: Path, limit: int, check: Callable[[Path], None]) -> None:
        """Fetch a file, check it and lay it down.

        Parameters
        ----------
        url : str
            Where it is.
        target : pathlib.Path
            Where it goes; its name tells what kind of file it is. An older file of that
            name stays until the new one is whole.
        limit : int
            Bytes that it may have at most.
        check : callable
            Reads the file and raises WrongContent or Damaged.

        Raises
        ------
        NotThere
            If the atlas has no such file.
        FetchError
            If it is too large, is no such file, or never came whole.
        AtlasUnavailable
            If the atlas cannot be reached or asks to be left alone; then no other file
            will come either.
        DualglandError
            If the file cannot be written.
        """
        with writing(target), self.locked(target.parent, wait=self.policy.patience):
            partial = self._unfinished(f"{url} {target.resolve()}", f"-{target.name}")
            self._complete(url, partial, limit, check)
            with replacing(target) as beside:
                shutil.move(partial, beside)
            self._connection.discard(partial)

    def page(self, url: str, name: str, limit: int, check: Callable[[Path], None]) -> Path:
        """Give a page from the cache of this release; fetch it if it is not there.

        A release does not change, so its pages need not be asked for again.

        Parameters
        ----------
        url, limit, check
            As for :meth:`fetch`.
        name : str
            Of the file in the cache.

        Returns
        -------
        pathlib.Path
            Of the file.
        """
        # Mirrors may differ from the atlas and from each other.
        place = hashlib.sha256(self.addresses.base.encode()).hexdigest()[:8]
        folder = self.cache / f"release-{self.addresses.release}-{place}"
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        if not (folder / name).is_file():
            self.fetch(url, folder / name, limit, check)
        return folder / name

    @contextmanager
    def locked(self, folder: Path, wait: float = 0) -> Iterator[None]:
        """Lock a folder for this process; a process that is killed locks nothing any more.

        Parameters
        ----------
        folder : pathlib.Path
            The folder; the lock lies in the cache.
        wait : float
            Seconds.

        Yields
        ------
        None
            While it is locked.

        Raises
        ------
        DualglandError
            If another process holds it, and still does after ``wait`` seconds.
        """
        lock = filelock.FileLock(self._unfinished(str(folder.resolve()), ".lock"))
        with writing(folder):
            try:
                lock.acquire(timeout=wait)
            except filelock.Timeout:
                raise DualglandError(
                    Kind.CONFLICT,
                    folder,
                    "another download is writing there",
                    way_out="wait for it, or choose another",
                ) from None
        try:
            yield
        finally:
            lock.release()

    def _unfinished(self, what: str, ending: str) -> Path:
        """Return a path in the cache that nothing else of another name has."""
        folder = self.cache / "unfinished"
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{hashlib.sha256(what.encode()).hexdigest()[:16]}{ending}"

    def _complete(self, url: str, partial: Path, limit: int, check: Callable[[Path], None]) -> None:
        """Try until the whole file lies at ``partial`` and is what it should be."""
        end = self._clock() + self.policy.time_for(limit)
        for attempt in range(1, self.policy.attempts + 1):
            try:
                self._connection.receive(url, partial, limit, end - self._clock())
                check(partial)
                return
            except WrongContent as error:
                self._connection.discard(partial)
                raise FetchError(error.kind, url, error.found) from error
            except Damaged as error:
                self._connection.discard(partial)
                failure = RetryableError(error.found)
            except RetryableError as error:
                failure = error
            except (NotThere, FetchError):
                self._connection.discard(partial)
                raise
            if attempt == self.policy.attempts or self._clock() >= end:
                break
            self._wait(url, attempt + 1, failure)
        kind = AtlasUnavailable if failure.everywhere else FetchError
        tried = "once" if attempt == 1 else f"{attempt} times"
        raise kind(
            Kind.NETWORK,
            url,
            f"{failure}; tried {tried}",
            way_out="run the same command again later",
        )

    def _wait(self, url: str, attempt: int, failure: RetryableError) -> None:
        seconds = self.policy.wait_before(attempt, failure.asked)
        if seconds > self.policy.longest_wait:
            raise AtlasUnavailable(
                Kind.NETWORK,
                url,
                f"{failure} and asks to wait {seconds:.0f} s",
                way_out="run the same command again after that",
            )
        log.info("%s: %s; again in %.1f s", url, failure, seconds)
        self._sleep(seconds)


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Raise DualglandError for what a disk says that is full or may not be written to."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        where = error.filename or place
        said = error.strerror or type(error).__name__
        raise DualglandError(
            Kind.NO_SPACE if full else Kind.UNWRITABLE,
            where,
            f"cannot be written ({said})",
            way_out="make room and run the same command again" if full else "choose another place",
        ) from error
