"""What every recipe has, whatever it trains, and how a recipe is read.

A recipe is a YAML file with any of the fields of its kind; what it leaves out has a default.
The resolved options go into every checkpoint and into the model card.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import AfterValidator, Field, ValidationError

from napari_dualgland.errors import DualglandError
from napari_dualgland.frozen import FrozenModel
from napari_dualgland.model.precision import Precision


def _no_checkpoint(name: str) -> str:
    if name.startswith("step-"):
        raise ValueError("a name that begins with step- is that of a checkpoint")
    return name


Name = Annotated[str, AfterValidator(_no_checkpoint), Field(pattern=r"^[\w][\w.-]*$")]


class RunOptions(FrozenModel):
    """A run of the trainer.

    Attributes
    ----------
    objective : str
        What is trained: ``generator``, ``localizer`` or ``judge``.
    name : str
        Of the model, and so of its file. The pickers show a lab's model only under a name
        that no shipped model has.
    seed : int
        Of everything random.
    clip : float
        Of the gradient's norm.
    log_every, validate_every, checkpoint_every : int
        In steps.
    threads : int
        CPU threads of each process.
    workers : int or None
        Processes that draw batches ahead; None: none on a CPU, up to 8 beside a GPU.
    device : str
        As in ``dualgland impute --device``.
    precision : str
        ``bf16`` (autocast), ``fp32``, or ``auto``: the faster one, which bf16 is where the
        device has it in hardware.
    compile : bool
        Compile the network: ``torch.compile`` needs a C++ compiler and some minutes.
    base : pathlib.Path
        Folder of the recipe; not part of what is kept.
    """

    objective: str
    name: Name
    seed: int = Field(default=0, ge=0)
    clip: float = Field(default=1.0, gt=0)
    log_every: int = Field(default=50, gt=0)
    validate_every: int = Field(default=500, gt=0)
    checkpoint_every: int = Field(default=250, gt=0)
    threads: int = Field(default=2, gt=0)
    workers: int | None = Field(default=None, ge=0)
    device: str = "auto"
    precision: Precision = "auto"
    compile: bool = False
    base: Path = Field(default=Path(), exclude=True)

    def found(self, path: Path) -> Path:
        """Return a path of the recipe as seen from its folder, else from here."""
        from_recipe = self.base / path.expanduser()
        return from_recipe if from_recipe.exists() else path.expanduser()


Kind = TypeVar("Kind", bound=FrozenModel)


def read_yaml(path: Path) -> dict[str, Any]:
    """Return what a recipe says.

    Raises
    ------
    DualglandError
        If there is no such file, or it is not YAML or no list of options.
    """
    try:
        options = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise DualglandError(f"{path}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DualglandError(f"{path}: is not YAML ({' '.join(str(error).split())})") from None
    if not isinstance(options, dict):
        raise DualglandError(f"{path}: is not a list of options like 'steps: 1000'")
    return options


def check_options(kind: type[Kind], options: Mapping[str, Any], path: Path) -> Kind:
    """Return options as a record of their kind.

    Parameters
    ----------
    kind : type
        Of the record.
    options : mapping
        By name.
    path : pathlib.Path
        Of the recipe, for the message.

    Returns
    -------
    kind
        The record.

    Raises
    ------
    DualglandError
        If an option does not exist or has a wrong value; all of them are named.
    """
    try:
        return kind.model_validate(dict(options))
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, e['loc']))}: {e['msg'].lower()}" for e in error.errors()]
        raise DualglandError(f"{path}: {'; '.join(wrong)}") from None
