"""What every test stands on: one Qt binding, one thread, nobody's own settings or signals.

All of this is set before what it is about is loaded, here and, by inheritance, in processes
that tests start.
"""

from __future__ import annotations

import os
import signal
import sys

import pytest
from hypothesis import settings

# qtpy and pytest-qt choose in different orders where two bindings are installed; QT_API decides
# for both. This must be set before either is loaded.
os.environ.setdefault("QT_API", "pyqt6")
os.environ["PYTEST_QT_API"] = os.environ["QT_API"]
# A top-level widget that outlives the viewer it was made beside is an error.
os.environ.setdefault("NAPARI_STRICT_QT", "raise")

# Tests run side by side, a process a core; more threads would only stand in each other's way.
for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
if "numba" in sys.modules:
    # napari's plugin for pytest has loaded it already. It refuses to learn of its threads late.
    sys.modules["numba"].config.reload_config()

# The LLVM of triton and that of Mesa, which draws for napari, cannot live in one process: the
# one that is loaded second crashes. An optimizer's first step loads triton, which only compiles
# for GPUs; with none, torch does as it does wherever triton is not installed.
sys.modules.setdefault("triton", None)  # type: ignore[arg-type]

# A shell that runs us in the background has Ctrl-C ignored, which every child would inherit.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Wall-clock deadlines fail on a busy machine and say nothing of the code.
settings.register_profile("dualgland", deadline=None, print_blob=True)
settings.load_profile("dualgland")


@pytest.fixture(autouse=True)
def _own_models_folder(tmp_path_factory, monkeypatch):
    """Keep the models and training runs of a developer out of the tests."""
    for name in ("MODELS", "RUNS"):
        folder = tmp_path_factory.getbasetemp() / name.lower()
        monkeypatch.setenv(f"DUALGLAND_{name}", str(folder))


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
