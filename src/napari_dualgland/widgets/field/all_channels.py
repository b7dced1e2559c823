"""One layer that holds all channels: which, along which axis, and where each role lies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari_dualgland.io.layer_axes import guess_channel_axis, shape_of
from napari_dualgland.io.layer_tag import tag_of
from napari_dualgland.widgets.field.guess import guess_positions
from napari_dualgland.widgets.field.per_layer import with_role
from napari_dualgland.widgets.field.repaired import measured_layer, repaired_layer


class AllChannels:
    """The choice of one layer for all roles.

    Attributes
    ----------
    layer : napari.layers.Image or None
        As it was measured.
    channel_axis : int or None
        Of that layer; None without one.
    positions : dict of str to int
        By role, along that axis.
    unrecorded : set of str
        Roles that a person has said are not along that axis.
    """

    def __init__(self) -> None:
        self.layer: Any = None
        self.channel_axis: int | None = None
        self.positions: dict[str, int] = {}
        self.unrecorded: set[str] = set()
        self._by_hand = False
        self._repaired: Any = None  # as it was picked, in place of what follows by itself

    def shown(self, layers: Sequence[Any], repaired: bool) -> Any:
        """Return the layer, or what an imputation made of it.

        Parameters
        ----------
        layers : sequence of napari.layers.Layer
            What is open.
        repaired : bool
            Whether repaired layers are looked at.

        Returns
        -------
        napari.layers.Image or None
        """
        if not repaired:
            return self.layer
        return self._repaired or repaired_layer(layers, self.layer)

    def positions_in(self, layer: Any) -> dict[str, int]:
        """Return the positions in the layer or in a repaired one, which may hold more channels."""
        if self.channel_axis is None or self.layer is None or layer == self.layer:
            return dict(self.positions)
        count = shape_of(self.layer)[self.channel_axis]
        added = guess_positions(layer, self.channel_axis).items()
        return {**self.positions, **{role: i for role, i in added if i >= count}}

    def pick(self, layers: Sequence[Any], layer: Any, repaired: bool) -> None:
        """Choose the layer, or none, by hand.

        Parameters
        ----------
        layers : sequence of napari.layers.Layer
            What is open.
        layer : napari.layers.Image or None
            Measured or imputed.
        repaired : bool
            Whether it was picked where repaired layers are looked at.
        """
        self._by_hand = True
        self._repaired = layer if repaired else None
        self._take(measured_layer(layers, layer) if repaired else layer)

    def take_axis(self, axis: int | None) -> None:
        """Choose the axis; where the roles lie along it is guessed."""
        self.channel_axis = axis
        self.unrecorded = set()
        self.positions = {} if axis is None else guess_positions(self.layer, axis)

    def place(self, role: str, position: int | None, *, recorded: bool = True) -> None:
        """Choose where along the axis a role lies.

        Parameters
        ----------
        role : str
        position : int or None
            None: nobody knows, or nowhere.
        recorded : bool
            Whether it may still lie somewhere.
        """
        self.positions = with_role(self.positions, role, position)
        (self.unrecorded.discard if recorded else self.unrecorded.add)(role)

    def follow(self, layers: Sequence[Any], images: Sequence[Any]) -> bool:
        """Forget a layer that is gone, guess one where a person left it open.

        Parameters
        ----------
        layers : sequence of napari.layers.Layer
            What is open, from the bottom up.
        images : sequence of napari.layers.Image
            Those among them that show channels.

        Returns
        -------
        bool
            Whether there is any that seems to hold all channels.
        """
        if self._repaired not in layers:
            self._repaired = None
        if self.layer is not None and self.layer not in layers:
            self._by_hand = False
            self._take(None)
        measured = [layer for layer in images if not tag_of(layer).is_result]
        fitting = [layer for layer in measured if guess_channel_axis(layer) is not None]
        if fitting and self.layer is None and not self._by_hand:
            self._take(fitting[-1])
        return bool(fitting)

    def _take(self, layer: Any) -> None:
        if layer != self.layer:
            self.layer = layer
            self.take_axis(None if layer is None else guess_channel_axis(layer) or 0)
