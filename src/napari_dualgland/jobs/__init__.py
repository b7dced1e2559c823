"""A run as a value: what is read, how, and what comes out; done anywhere, and again.

A job is a frozen record that goes to JSON and back. The docks show it, the command line parses
it, an exported file carries it; :meth:`steps` does it, as a generator of progress that knows
nothing of who is listening, and :meth:`as_python` and :meth:`as_command` write it down.
"""

from napari_dualgland.jobs.boundaries import BoundariesJob
from napari_dualgland.jobs.impute import FoundMissing, ImputeJob
from napari_dualgland.jobs.inputs import (
    Detect,
    FileInput,
    LabelsFile,
    LabelsLayer,
    LayerRef,
    LayersInput,
    Loaded,
    MaskFile,
    MaskLayer,
    Plane,
    Region,
)
from napari_dualgland.jobs.localize import LocalizeJob
from napari_dualgland.jobs.saved import load_job
from napari_dualgland.jobs.train import TrainJob

__all__ = [
    "BoundariesJob",
    "Detect",
    "FileInput",
    "FoundMissing",
    "ImputeJob",
    "LabelsFile",
    "LabelsLayer",
    "LayerRef",
    "LayersInput",
    "Loaded",
    "LocalizeJob",
    "MaskFile",
    "MaskLayer",
    "Plane",
    "Region",
    "TrainJob",
    "load_job",
]
