"""A job written down: the lines of Python and the words of a shell that are the same for all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from napari_dualgland.errors import DualglandError
from napari_dualgland.jobs.inputs import FileInput, LayerRef, LayersInput, Plane


@dataclass
class Script:
    """Python in the making.

    Attributes
    ----------
    names : set of str
        What it imports from the public API.
    body : list of str
        Its lines.
    in_napari : bool
        Whether it works on layers that are open.
    """

    names: set[str] = field(default_factory=set)
    body: list[str] = field(default_factory=list)
    in_napari: bool = False

    def read(self, given: FileInput) -> None:
        """Read a file into ``stack``."""
        self.names.add("read")
        more = f", channels={given.channels!r}" if given.channels else ""
        more += _stated(given)
        self.body.append(f"stack = read({str(given.path)!r}{more})")

    def take(self, given: LayersInput) -> None:
        """Read open layers into ``stack``."""
        self.in_napari = True
        self.names.add("stack_from_layers")
        chosen = ", ".join(f"{role!r}: {_layer(ref)}" for role, ref in given.layers.items())
        self.body += ["layers = current_viewer().layers", f"channels = {{{chosen}}}"]
        self.body.append(f"stack = stack_from_layers(channels{_shared(given)})")
        if given.estimated is not None:
            self.mark("estimated", given, given.estimated)
            self.names.add("Imputation")
            self.body.append("stack = Imputation.of(stack, estimated.fitted(stack))")

    def mark(self, name: str, given: LayersInput, layer: LayerRef) -> None:
        """Read what a layer marks into the variable ``name``.

        Parameters
        ----------
        name : str
            Of the variable.
        given : LayersInput
            The field of view that it lies on.
        layer : LayerRef
            Of Labels or Shapes.
        """
        self.names.add("mask_from_layer")
        axis = "" if given.channel_axis is None else f", {given.channel_axis}"
        self.body.append(f"{name} = mask_from_layer({_layer(layer)}, channels{axis})")

    def cut(self, plane: Plane | None, masks: Iterable[str] = ()) -> None:
        """Go on with one plane, if one is asked for.

        Parameters
        ----------
        plane : Plane or None
        masks : iterable of str
            Variables that hold masks of the whole stack.
        """
        if plane is None:
            return
        at = f"t={plane.t}, z={plane.z}"
        self.body += [f"{name} = {name}.plane(stack, {at})" for name in masks]
        self.body.append(f"stack = stack.plane({at})")

    def call(self, function: str, arguments: Iterable[str], options: dict[str, Any]) -> None:
        """Call the engine and leave what it returns in ``result``.

        Parameters
        ----------
        function : str
            Of the public API.
        arguments : iterable of str
            Variables.
        options : dict
            Keywords and their values.
        """
        self.names.add(function)
        lines = [*arguments, *(f"{key}={value!r}" for key, value in options.items())]
        self.body += [f"result = {function}(", *(f"    {line}," for line in lines), ")"]

    def write(self, path: Any) -> None:
        """Write ``result``."""
        self.names.add("write")
        self.body.append(f"write(result, {str(path)!r})")

    def __str__(self) -> str:
        head = ["# In napari, with the same layers open."] if self.in_napari else []
        head += ["from napari import current_viewer"] if self.in_napari else []
        names = sorted(self.names, key=lambda name: (name.lower(), name))
        lines = [*head, f"from napari_dualgland import {', '.join(names)}", "", *self.body]
        return "\n".join(lines) + "\n"


def _layer(layer: LayerRef) -> str:
    return f"layers[{layer.name!r}]"


def _shared(given: LayersInput) -> str:
    axis = "" if given.channel_axis is None else f", {given.channel_axis}, {given.positions!r}"
    return axis + _stated(given)


def _stated(given: FileInput | LayersInput) -> str:
    return "" if given.pixel_size is None else f", pixel_size={given.pixel_size!r}"


def told(params: BaseModel, always: tuple[str, ...]) -> dict[str, Any]:
    """Return some options of a run, and all others that are not the default.

    Parameters
    ----------
    params : pydantic.BaseModel
    always : tuple of str
        Names of options that are said even where they are the default.

    Returns
    -------
    dict
        In the order of the fields.
    """
    fields = type(params).model_fields
    return {
        name: value
        for name, value in params.model_dump().items()
        if name in always or value != fields[name].get_default(call_default_factory=True)
    }


def flags(options: dict[str, Any]) -> list[str]:
    """Return options as the words of a shell line."""
    words: list[str] = []
    for name, value in options.items():
        dashed = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{dashed}" if value else f"--no-{dashed}")
        else:
            words += [f"--{dashed}", str(value)]
    return words


def refuse_plane(plane: Plane | None) -> None:
    """Raise DualglandError for one plane: the command line works on whole stacks."""
    if plane is not None:
        raise DualglandError("the command line works on whole stacks; choose “Whole stack” first")
