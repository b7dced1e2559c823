"""A small field of view in a real viewer, and the widget that is docked beside it."""

from __future__ import annotations

import gc
import time
from contextlib import contextmanager

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_dualgland.errors import DualglandError
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.io import write
from napari_dualgland.stack import ROLES, Channel, PixelSize, Stack

SIDE = 160
HOLE = (slice(40, 90), slice(50, 120))
"""Spans several tiles of 64 pixels, in every channel."""
QUICK = ImputeParams(model="prior", device="cpu", tile=64, rehearse=False)
"""Options that run fast on any machine; without rehearsing nothing is learned either."""
COLORMAPS = {"microtubules": "red", "protein": "green", "nucleus": "blue", "er": "yellow"}


def paint(dtype="uint8", side=SIDE, seed=0):
    """Return four channels with structure on several scales and a hole in each."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    channels = []
    for k in range(len(ROLES)):
        waves = np.sin(9 * y + k) * np.cos(7 * x - k) + 0.3 * np.sin(40 * (x + y) + k)
        channels.append(120 + 60 * waves + rng.normal(0, 4, (side, side)))
    pixels = np.stack(channels).clip(20, 240).astype(dtype)
    pixels[(slice(None), *HOLE)] = 0
    return pixels


def plain_field(pixels=None, **options):
    """Return four layers without a transform, from the bottom up."""
    pixels = paint() if pixels is None else pixels
    return [
        Image(pixels[i], name=role, colormap=COLORMAPS[role], blending="additive", **options)
        for i, role in enumerate(ROLES)
    ]


def hole_labels(**options):
    painted = np.zeros((SIDE, SIDE), int)
    painted[HOLE] = 1
    return Labels(painted, name="holes", **options)


def names(viewer):
    return [layer.name for layer in viewer.layers]


def outside_hole(pixels):
    kept = np.ones(pixels.shape, bool)
    kept[(..., *HOLE)] = False
    return pixels[kept]


@contextmanager
def refused(kind, place, part=""):
    """Expect a refusal of this kind, about what is called so."""
    with pytest.raises(DualglandError) as error:
        yield
    assert error.value.kind == kind
    assert place in error.value.place
    assert error.value.part == part


def say_not_recorded(widget, role):
    """Say in the dock, as a person does, that a channel was not recorded."""
    one_layer = widget.channels.mode.currentData()
    picker = (widget.channels.positions if one_layer else widget.channels.pickers)[role]
    picker.setCurrentIndex(picker.count() - 1)
    picker.activated.emit(picker.currentIndex())


def tick_none(widget):
    for box in widget.missing.roles.values():
        box.setChecked(False)


@pytest.fixture(autouse=True, scope="session")
def _nobodys_parameters(tmp_path_factory):
    """Neither take nor change what the person who runs the tests has set in the docks."""
    from qtpy.QtCore import QSettings

    folder = str(tmp_path_factory.mktemp("settings"))
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, folder)


@pytest.fixture(autouse=True)
def _nothing_outlives_its_test(request):
    """No dock and no part of one is left alive, no thread works on, no window is left open.

    With a viewer napari looks for windows by itself, told by NAPARI_STRICT_QT.
    """
    from qtpy.QtCore import QThreadPool
    from qtpy.QtWidgets import QApplication

    before = set(QApplication.topLevelWidgets())
    yield
    report = getattr(request.node, "rep_call", None)
    if report is None or report.failed or report.skipped:
        return
    _let_go()
    if "viewer" not in request.fixturenames and "make_napari_viewer" not in request.fixturenames:
        assert not set(QApplication.topLevelWidgets()) - before
    assert QThreadPool.globalInstance().waitForDone(20000)
    ends = time.monotonic() + 5
    while (left := _alive()) and time.monotonic() < ends:
        QApplication.processEvents()
        _let_go()
    assert not left


def _let_go():
    """Delete what is to be deleted, as the event loop would."""
    from qtpy.QtCore import QCoreApplication, QEvent

    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    gc.collect()


def _alive():
    """Names of our widgets that Qt has not deleted, whoever holds them."""
    from qtpy.QtWidgets import QApplication

    return [
        type(widget).__name__
        for widget in QApplication.allWidgets()
        if type(widget).__module__.startswith("napari_dualgland")
    ]


@pytest.fixture
def field():
    """Four named layers of one field, by role, each looked at in its own way."""
    pixels = paint()
    return {
        role: Image(
            pixels[i],
            name=role,
            colormap=COLORMAPS[role],
            blending="additive",
            contrast_limits=(5 + i, 200 + i),
            gamma=0.8 + 0.1 * i,
            opacity=0.9,
            scale=(0.08, 0.08),
            translate=(3, -2),
            rotate=10,
            shear=[0.05],
            affine=np.array([[1, 0, 4], [0, 1, 5], [0, 0, 1]]),
            units=("um", "um"),
            axis_labels=("y", "x"),
        )
        for i, role in enumerate(ROLES)
    }


@pytest.fixture
def viewer(make_napari_viewer_proxy, qtbot):
    """A viewer that refuses to be written to from another thread."""
    yield make_napari_viewer_proxy()
    # Docked widgets are deleted by Qt's loop; the next test must not find them.
    qtbot.wait(20)
    gc.collect()


@pytest.fixture
def dock(viewer, qtbot):
    """Dock the widget beside layers and set options that run fast on any machine."""
    from napari_dualgland.widgets.impute.dock import ImputeWidget

    made = []

    def _dock(layers=()):
        for layer in layers:
            viewer.add_layer(layer)
        widget = ImputeWidget(viewer)
        viewer.window.add_dock_widget(widget, name="Impute")
        widget.set_value(QUICK)
        made.append(widget)
        return widget

    yield _dock
    for widget in made:
        widget.cancel()
        qtbot.waitUntil(lambda w=widget: w.idle, timeout=20000)


@pytest.fixture
def click(qtbot):
    """Press and release the left mouse button on a widget."""
    from qtpy.QtCore import QPoint, Qt

    def _click(widget):
        # Near the left edge: a wide check box answers only where its box and text are.
        where = QPoint(8, widget.height() // 2)
        qtbot.mouseClick(widget, Qt.MouseButton.LeftButton, pos=where)

    return _click


@pytest.fixture
def run(qtbot, click):
    """Click *Impute* and wait until the button says so again."""

    def _run(widget, timeout=60000):
        click(widget.run_bar.button)
        qtbot.waitUntil(lambda: widget.idle, timeout=timeout)

    return _run


@pytest.fixture
def saved(tmp_path):
    """A damaged field in a file, as it comes from a microscope."""
    channels = tuple(Channel(role, role) for role in ROLES)
    stack = Stack(paint(), "CYX", channels, pixel_size=PixelSize(0.1, 0.1))
    return write(stack, tmp_path / "field 7.ome.tif")


@pytest.fixture
def opened(saved, viewer, dock):
    """That file, dropped on napari."""
    viewer.open(saved, plugin="napari-dualgland")
    return dock()
