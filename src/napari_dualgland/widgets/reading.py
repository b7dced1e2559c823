"""What napari calls on drop: our files are read as ours, all others as if we were not there.

napari asks which reader to use wherever two fit, and remembers the answer for the whole ending:
whoever has chosen this plugin for the red, green, blue and yellow PNGs of a field has chosen it
for every PNG. So what is not ours is handed on to napari's own reader, and the answer is made as
narrow as it was meant.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import npe2

from napari_dualgland.io import napari_io
from napari_dualgland.io.hpa import SUFFIXES

PLUGIN = "napari-dualgland"
_OWN = "napari"
"""napari's own readers, as npe2 calls them."""
_PICTURES = (".png", ".jpg", ".jpeg")


def get_reader(path: str | list[str]) -> Callable[[Any], list[Any]] | None:
    """Return what loads a file, a folder or several files; see :func:`.napari_io.get_reader`.

    What is not ours is read by napari's own reader, in silence.
    """
    if "napari" in sys.modules:  # npe2 reads without napari, too
        _watch_answers()
    return napari_io.get_reader(path) or _handed_on(path)


def _handed_on(path: str | list[str]) -> Callable[[Any], list[Any]] | None:
    manager = npe2.PluginManager.instance()
    first = path if isinstance(path, str) else path[0]
    fitting = {reader.plugin_name for reader in manager.iter_compatible_readers([first])}
    if _OWN not in fitting:
        return None
    paths, stack = ([path], False) if isinstance(path, str) else (path, True)
    return lambda _: npe2.read(paths, stack=stack, plugin_name=_OWN)


@cache
def _watch_answers() -> None:
    """Make answers that are remembered as narrow as they were meant, now and from now on."""
    from napari.settings import get_settings

    settings: Any = get_settings().plugins

    def narrow(*_: object) -> None:
        known = dict(settings.extension2reader)
        wide = [e for e in _PICTURES if known.get(f"*{e}") == PLUGIN]
        if not wide:
            return
        for ending in wide:
            del known[f"*{ending}"]
            known |= {f"*_{color}{ending}": PLUGIN for color in SUFFIXES.values()}
        settings.extension2reader = known

    settings.events.extension2reader.connect(narrow)
    narrow()
