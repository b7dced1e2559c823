"""What a person has set for this plugin in napari's *Preferences*: the defaults of every form."""

from __future__ import annotations

import os
from typing import Any, TypeVar

from pydantic import BaseModel

from napari_dualgland.threads import COUNTS, settle

PLUGIN = "napari-dualgland"
M = TypeVar("M", bound=BaseModel)


def preferences() -> dict[str, Any]:
    """Return what was set, by name; nothing where napari is too old to ask for it.

    To tell, napari reads the manifests of all plugins, a tenth of a second or more: it is not asked
    where nobody has ever set anything, which it would have written down beside its own settings.
    """
    try:
        from napari.settings import get_plugin_settings, get_settings

        own = get_settings().config_path
        in_environment = any(name.upper().startswith("NAPARI_COMPUTING_") for name in os.environ)
        if own is not None and not own.with_name(f"{PLUGIN}.yaml").exists() and not in_environment:
            return {}
        found: Any = get_plugin_settings(PLUGIN)
    except (ImportError, KeyError):
        return {}
    return dict(found.computing.model_dump())


def preferred(params: M) -> M:
    """Return parameters with those that a person has set in *Preferences*.

    Parameters
    ----------
    params : pydantic.BaseModel
        The plugin's own defaults.

    Returns
    -------
    pydantic.BaseModel
    """
    said, fields = preferences(), type(params).model_fields
    changed: dict[str, Any] = {}
    if "device" in fields and said.get("device", "auto") != "auto":
        changed["device"] = said["device"]
    if "tile" in fields and said.get("tile", 0):
        changed["tile"] = said["tile"]
    return type(params).model_validate({**params.model_dump(), **changed})


def settle_preferences() -> None:
    """Heed the folder of models and the number of threads; the environment comes first.

    Both are read once by whoever needs them: the folder when models are listed, the threads
    when torch is loaded. So this is called before either.
    """
    said = preferences()
    if said.get("models"):
        os.environ.setdefault("DUALGLAND_MODELS", str(said["models"]))
    # A person's word outweighs what a container grants, and is outweighed by the environment.
    number, ours = COUNTS[0], settle().sets
    if said.get("threads") and (number in ours or not any(name in os.environ for name in COUNTS)):
        os.environ[number] = str(said["threads"])
