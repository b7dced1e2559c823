"""What the engines return: plain records of stacks and masks, free of torch and Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_dualgland.provenance import Provenance
from napari_dualgland.stack import Stack

if TYPE_CHECKING:
    import dask.array as da


@dataclass(frozen=True)
class Imputation:
    """A stack whose missing pixels were filled, and what must be known of them.

    Attributes
    ----------
    stack : Stack
        The source's dtype, axes and metadata; observed pixels are the source's own bits.
        A role that the source lacked is appended as a channel.
    missing : numpy.ndarray or dask.array.Array
        Boolean, shape of ``stack.data``: True where a pixel is an estimate.
    uncertainty : numpy.ndarray or dask.array.Array or None
        float32, shape of ``stack.data``, in the units of the intensities: the standard
        deviation of the estimate; 0 where a pixel was observed. None where the model
        gives none.
    provenance : Provenance
        Model, hash, options, seed and date.
    """

    stack: Stack
    missing: npt.NDArray[np.bool_] | da.Array
    uncertainty: npt.NDArray[Any] | da.Array | None
    provenance: Provenance
