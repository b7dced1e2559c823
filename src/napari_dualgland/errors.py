"""The one exception that a person is meant to read.

Everything that a user can put right (a wrong file, a mask of the wrong shape, an
unknown device) is raised as :class:`DualglandError` with one clear line. The command
line prints that line and exits with a non-zero code; the widgets show it.
"""


class DualglandError(ValueError):
    """Input or environment that the user can put right; the message says how."""
