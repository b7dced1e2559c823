"""The version, in a file that imports nothing: every record of a run names it."""

__version__ = "0.1.0"
