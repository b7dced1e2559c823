"""Parts of lazy arrays at a cost that does not grow with the whole."""

from __future__ import annotations

from typing import Any


def culled(part: Any) -> Any:
    """Return a part of a dask array that knows nothing of the rest any more.

    Whenever something is computed dask goes through all the chunks that it was cut from; of a
    mosaic there are thousands. So a band is cut first, and its chunks are cut from that.
    """
    import dask.array as da
    from dask.core import flatten
    from dask.optimization import cull

    graph, _ = cull(dict(part.dask), list(flatten(part.__dask_keys__())))  # type: ignore[no-untyped-call]
    return da.Array(graph, part.name, part.chunks, meta=part._meta)  # type: ignore[no-untyped-call]
