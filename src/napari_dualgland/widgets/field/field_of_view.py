"""The field of view: which layer plays which role, chosen once a viewer, shown in every dock.

It follows the layer list: offers what is there, guesses what the person left open, keeps what
they picked. Docks that work on repaired pixels look at the same choice with each layer replaced
by what an imputation made of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from napari.layers import Image
from psygnal import Signal

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.layer_tag import id_of, set_tag, tag_of
from napari_dualgland.jobs.inputs import FileInput, LayersInput
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.field.all_channels import AllChannels
from napari_dualgland.widgets.field.decided import NOT_RECORDED, require_decided
from napari_dualgland.widgets.field.fields_apart import FieldsApart
from napari_dualgland.widgets.field.job_input import layers_input, source_of
from napari_dualgland.widgets.field.open_fields import OpenField, open_fields
from napari_dualgland.widgets.field.per_layer import PerLayer
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.field.watch import LayerWatch

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
        self._per_layer = PerLayer()
        self._all = AllChannels()
        self._apart = FieldsApart()
        self._follow()
        self._watch = LayerWatch(layers, self._on_layers)

    # --- what is chosen ---------------------------------------------------------------

    def offered(self, one_layer: bool = False) -> list[Any]:
        """Return the layers that can be chosen, the topmost first."""
        return [x for x in reversed(self._layers) if _is_channel(x, 3 if one_layer else 2)]

    def layers(self, repaired: bool = False) -> dict[str, Any]:
        """Return the layers by role, where each channel has one of its own."""
        return self._per_layer.shown(self._layers, repaired)

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
    def unrecorded(self) -> set[str]:
        """Roles that a person has said were not recorded."""
        return set((self._all if self.one_layer else self._per_layer).unrecorded)

    def undecided(self, repaired: bool = False) -> list[str]:
        """Return the roles of which nobody has said where they are, or that they are nowhere."""
        given = self.positions(repaired) if self.one_layer else self.layers(repaired)
        return [role for role in ROLES if role not in given and role not in self.unrecorded]

    def require_decided(self, repaired: bool = False, absent: str = NOT_RECORDED) -> None:
        """Refuse to go on as long as a channel would be estimated whole that nobody gave up.

        Parameters
        ----------
        repaired : bool
            As for :meth:`source`.
        absent : str
            What a person chooses where there is no such channel.

        Raises
        ------
        DualglandError
            That names the channels, or says why the layer of one does not fit.
        """
        undecided = self.undecided(repaired)
        offered = [] if self.one_layer else self.offered()
        require_decided(undecided, self.layers(repaired), offered, absent)

    # --- fields side by side ----------------------------------------------------------

    def fields(self) -> list[OpenField]:
        """Return the fields of view that are open, in the order in which they were opened."""
        stack = self._all.layer if self.one_layer else None
        return open_fields(self._images(), self._per_layer.chosen, stack)

    def field(self) -> OpenField | None:
        """Return the one that is chosen."""
        chosen = self._chosen_ids()
        return next((field for field in self.fields() if field.ids & chosen), None)

    def pick_field(self, wanted: OpenField) -> None:
        """Go to another field of view: its layers are chosen and shown, all others hidden."""
        with self._telling():
            if wanted.stack is None:
                self.one_layer = False
                self._per_layer.take_field(list(self._layers), wanted)
            else:
                self.one_layer = True
                self._all.pick(self._layers, wanted.stack, False)
        self._apart.show(list(self._layers), wanted, self.fields())

    @property
    def pixel_size(self) -> float | None:
        """What a person states of it, in µm; None: the layers tell.

        It is of the layers that it was stated of, and no word on others.
        """
        ids = self._chosen_ids()
        said = (tag_of(layer).pixel_size for layer in self._layers if id_of(layer) in ids)
        return next((size for size in said if size is not None), None)

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
                for role in ROLES:
                    self.pick_position(role, source.positions.get(role))
            self.state_pixel_size(source.pixel_size)

    # --- what a person chooses --------------------------------------------------------

    def pick(self, role: str, layer: Any, repaired: bool = False) -> None:
        """Choose the layer of a role.

        Parameters
        ----------
        role : str
        layer : napari.layers.Image or None
            None where it was not recorded: the channel is estimated whole.
        repaired : bool
            Whether it was picked where repaired layers are looked at. There it stays as it is
            picked; elsewhere its measured layer is meant.
        """
        with self._telling():
            self._per_layer.pick(self._layers, role, layer, repaired)

    def leave_open(self, role: str) -> None:
        """Take back what was said of a role, so that nobody knows where it is."""
        with self._telling():
            self._per_layer.leave_open(role)

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

    def pick_position(self, role: str, position: int | None, *, recorded: bool = False) -> None:
        """Choose where along that axis a role lies.

        Parameters
        ----------
        role : str
        position : int or None
            None where it was not recorded.
        recorded : bool
            Without a position: whether it may still lie somewhere.
        """
        with self._telling():
            self._all.place(role, position, recorded=recorded or position is not None)

    def state_pixel_size(self, size: float | None) -> None:
        """State how large a pixel of the chosen layers is, in µm; None: they tell it.

        What was made from them before has pixels of the same size.
        """
        ids = self._chosen_ids()
        with self._telling():
            for layer in self._layers:
                tag = tag_of(layer)
                if tag.pixel_size != size and ids & {id_of(layer), *tag.sources}:
                    set_tag(layer, tag.model_copy(update={"pixel_size": size}))

    # --- what follows from the layers -------------------------------------------------

    def _on_layers(self) -> None:
        before = self._state()
        self._follow()
        (self.changed if self._state() != before else self.listed).emit()

    def _follow(self) -> None:
        """Forget what is gone, guess what was left open, keep fields apart."""
        layers, images = list(self._layers), self._images()
        fields = self.fields()
        active = self._layers.selection.active
        opened = self._per_layer.follow(layers, images, active, fields)
        any_holds_all = self._all.follow(layers, images)
        if not self._mode_by_hand:
            self.one_layer = any_holds_all and len(self._per_layer.chosen) < 2
        self._apart.name(fields)
        chosen = self.field()
        if chosen is not None and (opened or self._apart.hides(chosen)):
            self._apart.show(layers, chosen, fields)

    def _images(self) -> list[Any]:
        return [layer for layer in self._layers if _is_channel(layer, 2)]

    @contextmanager
    def _telling(self) -> Iterator[None]:
        before = self._state()
        with self.changed.blocked():
            yield
        if self._state() != before:
            self.changed.emit()

    def _chosen_ids(self) -> frozenset[str]:
        """The layers that were measured, whatever stands for them elsewhere."""
        chosen = [self.stack_layer()] if self.one_layer else self._per_layer.chosen.values()
        return frozenset(id_of(layer) for layer in chosen if layer is not None)

    def _state(self) -> tuple[Any, ...]:
        """What is chosen, by ids, so that a name does not matter."""
        chosen: list[Any] = [self.one_layer, self.channel_axis, self._all.positions]
        chosen += [self.pixel_size, self.unrecorded]
        for repaired in (False, True):
            stack = self.stack_layer(repaired)
            chosen.append({role: id_of(x) for role, x in self.layers(repaired).items()})
            chosen.append(None if stack is None else id_of(stack))
        return tuple(chosen)


def _is_channel(x: Any, least: int) -> bool:
    return isinstance(x, Image) and not x.rgb and x.ndim >= least and tag_of(x).is_channel
