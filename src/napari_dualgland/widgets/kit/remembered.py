"""The parameters that a person has set, kept while napari runs and when it is started again.

A dock that is closed and opened again shows them as they were. They are written down when the
application ends, as JSON in an INI file of Qt's, and read when the first dock asks.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from pydantic import BaseModel
from qtpy.QtCore import QCoreApplication, QSettings

M = TypeVar("M", bound=BaseModel)

_OF_VIEWER: WeakKeyDictionary[Any, dict[str, str]] = WeakKeyDictionary()
_TO_WRITE: dict[str, str] = {}


def recall(viewer: Any, key: str, defaults: M) -> M:
    """Return parameters as they were last.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where they are asked for.
    key : str
        Whose they are.
    defaults : pydantic.BaseModel
        What they are where nobody has set any, or where they are those of another version.

    Returns
    -------
    pydantic.BaseModel
        The defaults, with what a person has changed.
    """
    said = _of(viewer).get(key) or str(_settings().value(key, "") or "{}")
    try:
        changed = json.loads(said)
        if set(changed) == set(type(defaults).model_fields):
            # As they were once kept, all of them: of these, nobody has chosen the plugin's own.
            changed = _differing(type(defaults).model_validate_json(said), type(defaults)())
        whole = {**defaults.model_dump(mode="json"), **changed}
        return type(defaults).model_validate_json(json.dumps(whole))
    except (TypeError, ValueError):  # pydantic's is one
        return defaults


def keep(viewer: Any, key: str, params: M, defaults: M) -> None:
    """Remember what a person has changed of parameters.

    What they left alone follows the defaults, which *Preferences* may change meanwhile.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where they were set.
    key : str
        Whose they are.
    params : pydantic.BaseModel
        As they are now.
    defaults : pydantic.BaseModel
        As they were before anybody changed them.
    """
    said = json.dumps(_differing(params, defaults))
    _of(viewer)[key] = said
    app = QCoreApplication.instance()
    if not _TO_WRITE and app is not None:
        app.aboutToQuit.connect(_write)
    _TO_WRITE[key] = said


def _differing(params: BaseModel, defaults: BaseModel) -> dict[str, Any]:
    """Return the fields that are not as in the defaults, as JSON has them."""
    before = defaults.model_dump(mode="json")
    return {k: v for k, v in params.model_dump(mode="json").items() if v != before[k]}


def _of(viewer: Any) -> dict[str, str]:
    return _OF_VIEWER.setdefault(getattr(viewer, "__wrapped__", viewer), {})


def _write() -> None:
    settings = _settings()
    for key, said in _TO_WRITE.items():
        settings.setValue(key, said)
    settings.sync()


def _settings() -> QSettings:
    user = QSettings.Scope.UserScope
    return QSettings(QSettings.Format.IniFormat, user, "napari-dualgland", "docks")
