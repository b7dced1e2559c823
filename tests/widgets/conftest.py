"""A small field of view in a real viewer, and the widget that is docked beside it."""

from __future__ import annotations

import gc
import time
import weakref
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
from localization.cell_scenes import field as paint_cells
from localization.cell_scenes import save_localizer
from napari.layers import Image, Labels

from napari_dualgland.classes import CLASSES, NEGATIVE
from napari_dualgland.compartments.params import BoundariesParams
from napari_dualgland.errors import DualglandError
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.io import write
from napari_dualgland.localization.params import LocalizeParams
from napari_dualgland.stack import ROLES, Channel, PixelSize, Stack

SIDE = 160
HOLE = (slice(40, 90), slice(50, 120))
"""Spans several tiles of 64 pixels, in every channel."""
QUICK = ImputeParams(model="prior", device="cpu", tile=64, rehearse=False)
"""Options that run fast on any machine; without rehearsing nothing is learned either."""
QUICK_BOUNDARIES = BoundariesParams(model="prior", device="cpu")
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


PLUGIN = "napari-dualgland"


def open_dock(viewer, name, qtbot):
    """Open a dock of ours by its name, as the menu does."""
    widget = viewer.window.add_plugin_dock_widget(PLUGIN, name)[1]
    qtbot.wait(100)
    return widget


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


def first_place(widget):
    """Return the class that the legend of a localization names first."""
    return next(k for k in widget.results.legend.buttons if k != NEGATIVE)


def press(viewer, layer, position):
    """Click on a canvas at a position in pixels of a layer, as napari tells its callbacks."""
    event = SimpleNamespace(
        type="mouse_press",
        pos=(10, 10),
        position=tuple(layer.data_to_world(position)),
        view_direction=None,
        modifiers=(),
        dims_displayed=list(viewer.dims.displayed),
    )
    begun = [callback(viewer, event) for callback in viewer.mouse_drag_callbacks]
    begun = [steps for steps in begun if steps is not None]
    for kind in ("mouse_press", "mouse_release"):
        event.type = kind
        for steps in begun:
            next(steps, None)


def outside_hole(pixels):
    kept = np.ones(pixels.shape, bool)
    kept[(..., *HOLE)] = False
    return pixels[kept]


PLACED = {
    "scale": (0.24, 0.24),
    "translate": (3, -2),
    "rotate": 10,
    "shear": [0.05],
    "affine": np.array([[1, 0, 4], [0, 1, 5], [0, 0, 1]]),
    "units": ("um", "um"),
    "axis_labels": ("y", "x"),
}
"""Where a field lies that lies askew."""


@contextmanager
def refused(kind, place, part=""):
    """Expect a refusal of this kind, about what is called so."""
    with pytest.raises(DualglandError) as error:
        yield error
    assert error.value.kind == kind
    assert place in error.value.place
    assert error.value.part == part


def answering(answer):
    """Press *Yes* or *No* under the question that is about to be asked; keep what it asks."""
    from qtpy.QtCore import QTimer
    from qtpy.QtWidgets import QApplication, QMessageBox

    asked = []

    def press_it():
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        asked.append(box.text())
        box.button(getattr(QMessageBox.StandardButton, answer)).click()

    QTimer.singleShot(200, press_it)
    return asked


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


@pytest.fixture(scope="session")
def localizer(tmp_path_factory):
    """The path of a small untrained localizer that names some classes and not others."""
    import torch

    torch.set_num_threads(1)
    thresholds = {name: 0.3 if k % 2 else 0.9999 for k, name in enumerate(CLASSES)}
    return save_localizer(tmp_path_factory.mktemp("models"), thresholds=thresholds)


@pytest.fixture
def docked(viewer, qtbot):
    """Dock a widget beside layers, with these parameters; it comes to an end before the test."""
    made = []

    def _docked(make, params, layers):
        for layer in layers:
            viewer.add_layer(layer)
        widget = make(viewer)
        viewer.window.add_dock_widget(widget, name=type(widget).__name__.removesuffix("Widget"))
        widget.set_value(params)
        made.append(weakref.ref(widget))
        return widget

    yield _docked
    for known in made:
        if (widget := known()) is not None:
            widget.cancel()
            qtbot.waitUntil(lambda w=widget: w.idle, timeout=60000)


@pytest.fixture
def dock(docked):
    """Dock *Impute* beside layers and set options that run fast on any machine."""
    from napari_dualgland.widgets.impute.dock import ImputeWidget

    return lambda layers=(): docked(ImputeWidget, QUICK, layers)


@pytest.fixture
def localize_dock(docked, localizer):
    """Dock *Localize* beside layers, with the small model."""
    from napari_dualgland.widgets.localize.dock import LocalizeWidget

    params = LocalizeParams(model=localizer, device="cpu")
    return lambda layers=(): docked(LocalizeWidget, params, layers)


@pytest.fixture
def boundaries_dock(docked):
    """Dock *Boundaries* beside layers, without a network."""
    from napari_dualgland.widgets.boundaries.dock import BoundariesWidget

    return lambda layers=(): docked(BoundariesWidget, QUICK_BOUNDARIES, layers)


@pytest.fixture
def shown(make_napari_viewer, qtbot):
    """A window of 1280 x 800 with four layers."""
    import gc

    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.resize(1280, 800)
    for layer in plain_field():
        viewer.add_layer(layer)
    yield viewer
    qtbot.wait(20)
    gc.collect()


@pytest.fixture
def stocked(viewer):
    """Four layers in a window that is not on the screen, where jobs may run."""
    for layer in plain_field():
        viewer.add_layer(layer)
    return viewer


@pytest.fixture
def scene():
    """Six cells: (4, Y, X) and their labels."""
    return paint_cells()


@pytest.fixture
def localized(scene, localize_dock, run):
    """*Localize* after a run on given cells, in a field that lies askew."""
    image, labels = scene
    given = Labels(labels * 7, name="cellpose", **PLACED)
    widget = localize_dock([*plain_field(image, **PLACED), given])
    widget.cells.combo.set_layer(given)
    run(widget)
    assert widget.results.result is not None, widget.run_bar.says.text()
    return widget


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
