"""The field of view: which layer plays which role, chosen once a viewer, shown in every dock.

It follows the layer list: offers what is there, guesses what the person left open, keeps what
they picked. Docks that work on repaired pixels look at the same choice with each layer replaced
by what an imputation made of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from napari.layers import Image
from psygnal import Signal

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.layer_tag import id_of, tag_of
from napari_dualgland.jobs.inputs import FileInput, LayersInput
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.field.all_channels import AllChannels
from napari_dualgland.widgets.field.guess import guess_roles
from napari_dualgland.widgets.field.job_input import layers_input, source_of
from napari_dualgland.widgets.field.repaired import measured_layer, repaired_layers
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.field.watch import LayerWatch

_T = TypeVar("_T")

_OF_VIEWER: WeakKeyDictionary[Any, FieldOfView] = WeakKeyDictionary()


def field_of(viewer: Any) -> FieldOfView:
    """Return the field of view of a viewer, the same for all who ask."""
    viewer = getattr(viewer, "__wrapped__", viewer)  # plugins are given a proxy
    if viewer not in _OF_VIEWER:
        _OF_VIEWER[viewer] = FieldOfView(viewer.layers)
    return _OF_VIEWER[viewer]


class FieldOfView:
    """The layers that are looked at, by role, or the one that holds all channels.

    Parameters
    ----------
    layers : napari.components.LayerList
        The viewer's. The viewer itself is not held, so that it can go.
    """

    changed = Signal()
    """Another choice, by a person or because layers came, went or were renamed."""
    listed = Signal()
    """The same choice, but other layers are there to choose from, or they are called otherwise."""

    def __init__(self, layers: Any) -> None:
        self._layers = layers
        self.one_layer = False
        self._mode_by_hand = False
        self._chosen: dict[str, Any] = {}
        self._by_hand: set[str] = set()
        # What a person has picked among repaired layers, in place of what follows by itself.
        self._repaired: dict[str, Any] | None = None
        self._all = AllChannels()
        # A pixel size that a person has stated, and the layers that it was stated of.
        self._stated: tuple[float, frozenset[str]] | None = None
        self._follow()
        self._watch = LayerWatch(layers, self._on_layers)

    # --- what is chosen ---------------------------------------------------------------

    def offered(self, one_layer: bool = False) -> list[Any]:
        """Return the layers that can be chosen, the topmost first."""
        return [x for x in reversed(self._layers) if _is_channel(x, 3 if one_layer else 2)]

    def layers(self, repaired: bool = False) -> dict[str, Any]:
        """Return the layers by role, where each channel has one of its own."""
        if repaired and self._repaired is None:
            return repaired_layers(self._layers, self._chosen)
        return dict(self._repaired or {} if repaired else self._chosen)

    def stack_layer(self, repaired: bool = False) -> Any:
        """Return the layer that holds all channels, or None."""
        return self._all.shown(self._layers, repaired)

    @property
    def channel_axis(self) -> int | None:
        """The axis of that layer along which the channels lie."""
        return self._all.channel_axis

    def positions(self, repaired: bool = False) -> dict[str, int]:
        """Return where in that layer each role lies."""
        return self._all.positions_in(self.stack_layer(repaired))

    @property
    def pixel_size(self) -> float | None:
        """What a person states of it, in µm; None: the layers tell.

        It is of the field that it was stated of, and no word on another one.
        """
        if self._stated is None or not self._stated[1] & self._chosen_ids():
            return None
        return self._stated[0]

    def source(self, repaired: bool = False) -> Source:
        """Return the chosen field of view.

        Parameters
        ----------
        repaired : bool
            Whether imputed layers are taken, where there are some, in place of their sources.

        Returns
        -------
        Source

        Raises
        ------
        DualglandError
            If nothing is chosen, or the chosen layers do not belong together.
        """
        if not self.one_layer:
            return Source(self.layers(repaired), pixel_size=self.pixel_size)
        layer, positions = self.stack_layer(repaired), self.positions(repaired)
        shared = dict.fromkeys(positions, layer)
        return Source(shared, self.channel_axis, positions, self.pixel_size)

    def value(self, repaired: bool = False) -> LayersInput:
        """Return the chosen field of view as a job takes it; all else as for :meth:`source`."""
        return layers_input(self.source(repaired), self._layers)

    def set_value(self, value: LayersInput | FileInput, repaired: bool = False) -> None:
        """Choose the field of view of a job.

        Parameters
        ----------
        value : LayersInput or FileInput
            Layers that are open, by id or else by name, or the file that is chosen already.
        repaired : bool
            As for :meth:`pick`.

        Raises
        ------
        DualglandError
            If one of them is not open, or they do not belong together.
        """
        if isinstance(value, FileInput):
            shown = self.value(repaired).file
            stated = {"pixel_size": value.pixel_size}
            if shown is None or shown.model_copy(update=stated) != value:
                raise DualglandError(
                    Kind.NOT_THERE,
                    value.path,
                    "is not what the chosen layers show",
                    way_out="open it in napari and choose its layers first",
                )
            self.state_pixel_size(value.pixel_size)
            return
        source = source_of(value, self._layers)
        with self._telling():
            self.pick_mode(source.one_layer)
            for role in ROLES:
                self.pick(role, None if source.one_layer else source.layers.get(role), repaired)
            if source.one_layer:
                self.pick_stack(source.first, repaired)
                self.pick_axis(source.channel_axis)
                self._all.positions = dict(source.positions)
            self.state_pixel_size(source.pixel_size)

    # --- what a person chooses --------------------------------------------------------

    def pick(self, role: str, layer: Any, repaired: bool = False) -> None:
        """Choose the layer of a role.

        Parameters
        ----------
        role : str
        layer : napari.layers.Image or None
            None where no layer shows it.
        repaired : bool
            Whether it was picked where repaired layers are looked at. There it stays as it is
            picked; elsewhere its measured layer is meant.
        """
        with self._telling():
            self._by_hand.add(role)
            self._repaired = _with(self.layers(True), role, layer) if repaired else None
            layer = measured_layer(self._layers, layer) if repaired else layer
            self._chosen = _with(self._chosen, role, layer)

    def pick_mode(self, one_layer: bool) -> None:
        """Choose whether all channels lie in one layer."""
        with self._telling():
            self._mode_by_hand = True
            self.one_layer = one_layer

    def pick_stack(self, layer: Any, repaired: bool = False) -> None:
        """Choose the layer that holds all channels.

        Parameters
        ----------
        layer, repaired
            As for :meth:`pick`.
        """
        with self._telling():
            self._all.pick(self._layers, layer, repaired)

    def pick_axis(self, axis: int | None) -> None:
        """Choose the axis along which the channels lie in one layer."""
        with self._telling():
            self._all.take_axis(axis)

    def pick_position(self, role: str, position: int | None) -> None:
        """Choose where along that axis a role lies.

        Parameters
        ----------
        role : str
        position : int or None
            None where it was not recorded.
        """
        with self._telling():
            self._all.positions = _with(self._all.positions, role, position)

    def state_pixel_size(self, size: float | None) -> None:
        """State how large a pixel of the chosen layers is, in µm; None: they tell it."""
        with self._telling():
            self._stated = None if size is None else (size, self._chosen_ids())

    # --- what follows from the layers -------------------------------------------------

    def _on_layers(self) -> None:
        before = self._state()
        self._follow()
        (self.changed if self._state() != before else self.listed).emit()

    def _follow(self) -> None:
        """Forget what is gone, guess what was left open."""
        layers = list(self._layers)
        gone = {role for role, layer in self._chosen.items() if layer not in layers}
        self._chosen = {role: x for role, x in self._chosen.items() if role not in gone}
        self._by_hand -= gone
        if any(x not in layers for x in (self._repaired or {}).values()) or not self._by_hand:
            self._repaired = None
        images = [layer for layer in layers if _is_channel(layer, 2)]
        guessed = guess_roles(images, self._layers.selection.active, self._chosen)
        if not self._by_hand:
            self._chosen = guessed
        any_holds_all = self._all.follow(layers, images)
        if not self._mode_by_hand:
            self.one_layer = any_holds_all and len(guessed) < 2

    @contextmanager
    def _telling(self) -> Iterator[None]:
        before = self._state()
        with self.changed.blocked():
            yield
        if self._state() != before:
            self.changed.emit()

    def _chosen_ids(self) -> frozenset[str]:
        """The layers that were measured, whatever stands for them elsewhere."""
        chosen = [self.stack_layer()] if self.one_layer else self._chosen.values()
        return frozenset(id_of(layer) for layer in chosen if layer is not None)

    def _state(self) -> tuple[Any, ...]:
        """What is chosen, by ids, so that a name does not matter."""
        chosen: list[Any] = [self.one_layer, self.channel_axis, self._all.positions]
        chosen.append(self.pixel_size)
        for repaired in (False, True):
            stack = self.stack_layer(repaired)
            chosen.append({role: id_of(x) for role, x in self.layers(repaired).items()})
            chosen.append(None if stack is None else id_of(stack))
        return tuple(chosen)


def _is_channel(x: Any, least: int) -> bool:
    return isinstance(x, Image) and not x.rgb and x.ndim >= least and tag_of(x).is_channel


def _with(mapping: Mapping[str, _T], role: str, value: _T | None) -> dict[str, _T]:
    """Return a mapping in the order of the roles with another value for one; None for none."""
    changed = {**mapping, role: value}
    return {r: v for r in ROLES if (v := changed.get(r)) is not None}
