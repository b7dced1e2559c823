"""What a person has set for this plugin in napari's *Preferences*: the defaults of every form."""

from __future__ import annotations

import contextlib
import os
from typing import Any, TypeVar

from annotated_types import Ge, Le, MultipleOf
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

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
    said, kind = preferences(), type(params)
    for name, unset in (("device", "auto"), ("tile", 0)):
        value = said.get(name, unset)
        if name in kind.model_fields and value != unset:
            # napari takes any number there: the nearest that a form can show, or none.
            with contextlib.suppress(ValidationError):
                value = _nearest(kind.model_fields[name], value)
                params = kind.model_validate({**params.model_dump(), name: value})
    return params


def _nearest(field: FieldInfo, value: Any) -> Any:
    """Return the number nearest to one that a field takes; what is no number as it is."""
    for rule in reversed(field.metadata):  # steps before bounds, which lie on steps
        match rule:
            case MultipleOf(multiple_of=step):
                value = step * round(value / step)
            case Ge(ge=least):
                value = max(value, least)
            case Le(le=most):
                value = min(value, most)
    return value


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
