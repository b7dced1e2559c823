"""The parameters that a person has set, kept while napari runs and when it is started again.

A dock that is closed and opened again shows them as they were. They are written down when the
application ends, as JSON in an INI file of Qt's, and read when the first dock asks.
"""

from __future__ import annotations

from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from pydantic import BaseModel, ValidationError
from qtpy.QtCore import QCoreApplication, QSettings

M = TypeVar("M", bound=BaseModel)

_OF_VIEWER: WeakKeyDictionary[Any, dict[str, str]] = WeakKeyDictionary()
_TO_WRITE: dict[str, str] = {}


def recall(viewer: Any, key: str, model: type[M]) -> M | None:
    """Return parameters as they were last.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where they are asked for.
    key : str
        Whose they are.
    model : type of pydantic.BaseModel
        What they are.

    Returns
    -------
    pydantic.BaseModel or None
        None where nobody has set any, or where they are those of another version.
    """
    said = _of(viewer).get(key) or str(_settings().value(key, "") or "")
    try:
        return model.model_validate_json(said) if said else None
    except ValidationError:
        return None


def keep(viewer: Any, key: str, params: BaseModel | None) -> None:
    """Remember parameters.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where they were set.
    key : str
        Whose they are.
    params : pydantic.BaseModel or None
        None: nothing is to be remembered of them.
    """
    said = "" if params is None else params.model_dump_json()
    _of(viewer)[key] = said
    app = QCoreApplication.instance()
    if not _TO_WRITE and app is not None:
        app.aboutToQuit.connect(_write)
    _TO_WRITE[key] = said


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
