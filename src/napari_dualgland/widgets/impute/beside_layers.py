"""What stands beside the results of a run: samples that were asked for, uncertainty on demand."""

from __future__ import annotations

from typing import Any

from napari.layers import Image

from napari_dualgland.io.layer_tag import Kind, LayerTag, id_of, metadata_of, tag_of
from napari_dualgland.results import Imputation
from napari_dualgland.widgets.field.roles import ESTIMATE_NOTE, PLAUSIBLE_NOTE
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.impute.result_views import ResultPixels, View
from napari_dualgland.widgets.layers.looks import image_looks, placement
from napari_dualgland.widgets.layers.own_layers import keeps_name, own_layers, tag_for
from napari_dualgland.widgets.layers.pixels import pyramid_like

_UNCERTAINTY_LOOKS = {"colormap": "inferno", "blending": "translucent"}


class BesideLayers:
    """Layers that go with the results of a run, hidden or asked for.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where they are shown.
    source : Source
        What was repaired.
    frame : dict of str to int or None
        The plane that was repaired, None for all.
    shown : list of (View, napari.layers.Image)
        The results, and what they show.
    """

    def __init__(
        self,
        viewer: Any,
        source: Source,
        frame: dict[str, int] | None,
        shown: list[tuple[View, Image]],
    ) -> None:
        self._viewer, self._source, self._frame, self._shown = viewer, source, frame, shown

    def forget(self) -> None:
        """Take away what stood beside the results of an earlier run."""
        for kind in ("uncertainty", "sample"):
            for layer in own_layers(self._viewer, self._source, kind):
                if keeps_name(layer):
                    self._viewer.layers.remove(layer)

    def add_samples(self, result: Imputation) -> None:
        """Add each plausible picture that was asked for, hidden."""
        start = self._place()
        for number, sample in enumerate(result.samples, 1):
            for up, (view, beside) in enumerate(self._shown):
                pixels = ResultPixels(self._source, self._frame, result).picture(view, sample)
                tag = self._tag(result, "sample", view, number)
                layer = self._layer(pixels, beside, tag, image_looks(beside), visible=False)
                self._viewer.layers.insert(start + up, layer)

    def add_uncertainty(self, result: Imputation, beside: Image) -> Image:
        """Add how far one result may be off, on top of it.

        Parameters
        ----------
        result : Imputation
            With an uncertainty.
        beside : napari.layers.Image
            The result layer.

        Returns
        -------
        napari.layers.Image
        """
        view = next(view for view, layer in self._shown if layer == beside)
        pixels = ResultPixels(self._source, self._frame, result).uncertainty(view)
        tag = self._tag(result, "uncertainty", view)
        layer = self._layer(pixels, beside, tag, _UNCERTAINTY_LOOKS, visible=True)
        self._viewer.layers.insert(self._viewer.layers.index(beside) + 1, layer)
        return layer

    def _layer(
        self, pixels: Any, beside: Image, tag: LayerTag, looks: dict[str, Any], visible: bool
    ) -> Image:
        return Image(
            pyramid_like(pixels, beside) if beside.multiscale else pixels,
            name=tag.name,
            multiscale=beside.multiscale,
            rgb=False,
            metadata=metadata_of(tag),
            **placement(self._source.first),
            **{**looks, "visible": visible},
        )

    def _place(self) -> int:
        """Return where in the layer list that goes which stands beside the results.

        It is hidden and is put beneath them, so that a person finds results first, not thirty
        rows of samples. Results that do not add up would cover it; then it lies above.
        """
        layers = self._viewer.layers
        own = [layer for _, layer in self._shown]
        if all(layer.blending == "additive" for layer in own):
            return min(map(layers.index, own), default=len(layers))
        return max(map(layers.index, own)) + 1

    def _tag(
        self, result: Imputation, kind: Kind, view: View, number: int | None = None
    ) -> LayerTag:
        words = [view.stem, kind] if number is None else [view.stem, kind, str(number)]
        return run_tag(
            self._source, self._frame, result, kind, " ".join(words), view=view, number=number
        )


def run_tag(
    source: Source,
    frame: dict[str, int] | None,
    result: Imputation,
    kind: Kind,
    name: str,
    *,
    view: View | None = None,
    number: int | None = None,
) -> LayerTag:
    """Return what a layer of a run says of itself.

    Parameters
    ----------
    source : Source
        What was repaired.
    frame : dict of str to int or None
        The plane that was, None for all.
    result : Imputation
        What came out.
    kind, name : str
        What the layer is, and what it is called.
    view : View, optional
        What it shows; left out for marks, which are of all channels.
    number : int, optional
        Of a plausible picture.

    Returns
    -------
    LayerTag
    """
    plausible = kind == "sample" or result.plausible
    channels = result.stack.channels if source.one_layer else ()
    return tag_for(
        source,
        kind,
        name,
        None if view is None else view.role,
        beside=None if view is None or view.source is None else id_of(view.source),
        number=number,
        notes=(PLAUSIBLE_NOTE if plausible else ESTIMATE_NOTE,),
        provenance=result.provenance,
        plane=frame,
        roles=tuple(channel.role for channel in channels),
    )


def select_result(viewer: Any, shown: list[tuple[View, Image]], active: Any) -> None:
    """Select what became of the layer that the person was at, else of the protein.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where they are shown.
    shown : list of (View, napari.layers.Image)
        The results.
    active : napari.layers.Layer or None
        That layer.
    """
    role = None if active is None else tag_of(active).role

    def nearness(pair: tuple[View, Image]) -> int:
        view, layer = pair
        if active is not None and active in (view.source, layer):
            return 3
        return 2 if role is not None and view.role == role else int(view.role == "protein")

    viewer.layers.selection.active = max(shown, key=nearness)[1]
