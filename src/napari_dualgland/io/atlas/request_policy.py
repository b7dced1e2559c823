"""The request policy towards a public service: how often, how long, under what name."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import Field
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from napari_dualgland._version import __version__
from napari_dualgland.frozen import FrozenModel

USER_AGENT = (
    f"napari-dualgland/{__version__} (+https://github.com/napari-dualgland/napari-dualgland)"
)

_SLOW_LINE = 500_000
"""Bytes per second: the file of all genes may take hours on such a line, a page minutes."""


class RequestPolicy(FrozenModel):
    """How often to ask, how long to wait, when to give up.

    Attributes
    ----------
    rate : float
        Requests per second at most, redirects and repeats included.
    attempts : int
        How often one file is tried.
    first_wait : float
        Seconds before the second attempt; they double with each further one.
    longest_wait : float
        Seconds that are waited at most. A service that asks for more is left alone.
    timeout : float
        Seconds without a byte after which a connection counts as dead.
    patience : float
        Seconds after which a connection slower than ``slowest`` is given up.
    slowest : float
        Bytes per second.
    longest : float
        Seconds that one file may take, all attempts and waits together; see :meth:`time_for`.
    """

    rate: float = Field(default=1.0, gt=0, le=20)
    attempts: int = Field(default=5, ge=1, le=20)
    first_wait: float = Field(default=1.0, ge=0)
    longest_wait: float = Field(default=120.0, ge=0)
    timeout: float = Field(default=30.0, gt=0)
    patience: float = Field(default=60.0, gt=0)
    slowest: float = Field(default=1000.0, ge=0)
    longest: float = Field(default=600.0, gt=0)

    def time_for(self, limit: int) -> float:
        """Return the seconds after which a file of so many bytes at most is given up."""
        return self.longest + limit / _SLOW_LINE

    def wait_before(self, attempt: int, asked: float | None) -> float:
        """Return how long to wait: what the service asked for, or twice the last time.

        Parameters
        ----------
        attempt : int
            The one that comes, from 2.
        asked : float or None
            Seconds that the service asks to wait.

        Returns
        -------
        float
            Seconds; more than ``longest_wait`` only where the service asks for it.
        """
        backing_off = self.first_wait * 2.0 ** (attempt - 2)
        return max(min(backing_off, self.longest_wait), asked or 0.0)


class RateLimiter:
    """Keeps requests apart.

    Parameters
    ----------
    rate : float
        Requests per second at most.
    sleep, clock : callable
        Wait so many seconds; seconds of a clock that never goes back.
    """

    def __init__(
        self, rate: float, sleep: Callable[[float], None], clock: Callable[[], float]
    ) -> None:
        self._apart = 1 / rate
        self._sleep = sleep
        self._clock = clock
        self._next: float | None = None

    def wait(self) -> None:
        """Return when the next request may be sent."""
        now = self._clock()
        if self._next is not None and self._next > now:
            self._sleep(self._next - now)
            now = self._next
        self._next = now + self._apart


def asked_wait(header: str | None) -> float | None:
    """Return the seconds of a ``Retry-After``, a number or a date; urllib3 cuts it at six hours."""
    if header is None:
        return None
    try:
        return Retry().parse_retry_after(header)
    except (InvalidHeader, ValueError, OverflowError):
        return None
