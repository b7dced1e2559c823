"""A band that was cut from a lazy array carries no chunk but its own."""

from __future__ import annotations

import dask.array as da
import numpy as np

from napari_dualgland.culling import culled


def test_a_band_knows_its_own_chunks_alone() -> None:
    values = np.arange(40 * 60).reshape(40, 60)
    made: list[object] = []

    def note(block: np.ndarray, block_info: dict) -> np.ndarray:  # type: ignore[type-arg]
        made.append(block_info[0]["chunk-location"])
        return block

    whole = da.from_array(values, chunks=(10, 20)).map_blocks(note, dtype=values.dtype)
    band = culled(whole[10:20])
    assert not any("('note" in str(key) and ", 3, " in str(key) for key in dict(band.dask))
    assert len(dict(band.dask)) < len(dict(whole.dask))
    made.clear()
    np.testing.assert_array_equal(np.asarray(band[:, 20:40]), values[10:20, 20:40])
    assert made == [(1, 1)]


def test_what_two_bands_share_is_computed_once() -> None:
    made: list[object] = []

    def note(block_info: dict) -> np.ndarray:  # type: ignore[type-arg]
        made.append(block_info[None]["chunk-location"])
        return np.full((10, 20), 3)

    whole = da.map_blocks(note, chunks=((10,) * 4, (20,) * 3), dtype=int, meta=np.empty((0, 0)))
    made.clear()
    bands = [culled(array[10:20]) for array in (whole > 2, whole / 7)]
    da.compute(*(band[:, :20] for band in bands))
    assert made == [(1, 0)]
