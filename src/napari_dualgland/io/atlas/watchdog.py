"""An end for every exchange with a server, whatever it sends.

The timeout of a socket starts anew with every byte, and the standard library reads on as long as
interim answers, headers or trailers come. So a timer cuts the line, from another thread.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_ON_GUARD: ContextVar[Watchdog | None] = ContextVar("on guard", default=None)


class Watchdog:
    """Cuts every connection that is used while it is on guard, when its time is over.

    Parameters
    ----------
    seconds : float
        Until then.

    Attributes
    ----------
    barked : bool
        Whether it had to cut one.
    """

    def __init__(self, seconds: float) -> None:
        self.barked = False
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(max(seconds, 0.0), self._bark)
        self._timer.daemon = True

    def watch(self, line: socket.socket | None) -> None:
        """Take a connection under guard."""
        if line is not None:
            self._sockets.append(line)
        if self.barked:
            self._bark()

    def _bark(self) -> None:
        self.barked = True
        for line in list(self._sockets):
            with suppress(OSError):  # it is closed already
                line.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._before = _ON_GUARD.set(self)
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        _ON_GUARD.reset(self._before)


def _guarded(connection: HTTPConnection) -> None:
    guard = _ON_GUARD.get()
    if guard is not None:
        guard.watch(connection.sock)


class _Http(HTTPConnection):
    def getresponse(self) -> Any:
        _guarded(self)
        return super().getresponse()


class _Https(HTTPSConnection):
    def getresponse(self) -> Any:
        _guarded(self)
        return super().getresponse()


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class GuardedAdapter(HTTPAdapter):
    """Makes the connections of a session such as a :class:`Watchdog` can cut."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make connections with the pools of this file.

        Parameters
        ----------
        *args, **options
            As of every adapter.
        """
        super().init_poolmanager(*args, **options)  # type: ignore[no-untyped-call]
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        """Do the same where the way leads through a proxy.

        Parameters
        ----------
        *args, **options
            As of every adapter.

        Returns
        -------
        urllib3.ProxyManager
        """
        manager: Any = super().proxy_manager_for(*args, **options)  # type: ignore[no-untyped-call]
        manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
        return manager
