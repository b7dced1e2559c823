"""The command line, ``dualgland``: the verbs of the Python API with the same parameter objects."""

from napari_dualgland.cli.app import app, main

__all__ = ["app", "main"]
