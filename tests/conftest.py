"""What every test stands on: one Qt binding, nobody's own settings, no surprises from timing."""

from __future__ import annotations

import os

import pytest

# qtpy and pytest-qt choose in different orders where two bindings are installed; QT_API decides
# for both. This must be set before either is loaded.
os.environ.setdefault("QT_API", "pyqt6")
os.environ["PYTEST_QT_API"] = os.environ["QT_API"]
os.environ.setdefault("NAPARI_STRICT_QT", "raise")

from hypothesis import settings

# Wall-clock deadlines fail on a busy machine and say nothing of the code.
settings.register_profile("dualgland", deadline=None, print_blob=True)
settings.load_profile("dualgland")


@pytest.fixture(autouse=True)
def _own_models_folder(tmp_path_factory, monkeypatch):
    """Keep the models that a developer has installed out of the tests."""
    monkeypatch.setenv("DUALGLAND_MODELS", str(tmp_path_factory.getbasetemp() / "models"))


@pytest.fixture(scope="session")
def _atlas_server():
    from atlas_server import running

    with running() as server:
        yield server


@pytest.fixture
def atlas(_atlas_server, monkeypatch):
    """A small Human Protein Atlas on this machine, which misbehaves when it is told to."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    _atlas_server.renew()
    return _atlas_server
