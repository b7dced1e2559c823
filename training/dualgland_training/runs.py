"""Every kind of run there is, by the ``objective:`` of its recipe."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from dualgland_training.generator.recipe import TrainConfig
from dualgland_training.localizer.recipe import LocalizerRecipe
from dualgland_training.perceptual.recipe import JudgeRecipe
from dualgland_training.trainer.options import RunOptions, check_options, read_yaml
from napari_dualgland.errors import DualglandError, Kind

RECIPES: dict[str, type[RunOptions]] = {
    "generator": TrainConfig,
    "localizer": LocalizerRecipe,
    "judge": JudgeRecipe,
}


def read_run(path: Path, **overrides: object) -> RunOptions:
    """Return what a recipe of any kind resolves to.

    Parameters
    ----------
    path : pathlib.Path
        Of the YAML file.
    **overrides
        Options that count more than the recipe's; of ``data``, those that are given.

    Returns
    -------
    RunOptions
        Of the kind that its ``objective:`` names, a generator's where it names none.

    Raises
    ------
    DualglandError
        If the recipe cannot be read, or an option is wrong.
    """
    told = read_yaml(path)
    options = told | overrides | {"base": path.parent}
    if isinstance(told.get("data"), dict) and isinstance(overrides.get("data"), dict):
        options["data"] = told["data"] | overrides["data"]
    objective = options.get("objective", "generator")
    if not isinstance(objective, str) or objective not in RECIPES:
        raise DualglandError(
            Kind.BAD_VALUE,
            path,
            f"{objective} is none of {', '.join(RECIPES)}",
            part="objective",
        )
    return check_options(RECIPES[objective], options, path)


def start_run(options: RunOptions, folder: Path, **how: bool) -> Any:
    """Return a run that is ready to train.

    Parameters
    ----------
    options : RunOptions
        From :func:`read_run`.
    folder : pathlib.Path
        Of the run.
    **how
        ``resume`` and ``tensorboard`` of :class:`~dualgland_training.trainer.loop.Training`.

    Returns
    -------
    Training
        Of the recipe's kind.

    Raises
    ------
    DualglandError
        If it cannot be started.
    """
    # Not above: a mistyped recipe is told before torch is loaded.
    from dualgland_training.generator.objective import GeneratorObjective
    from dualgland_training.localizer.objective import LocalizerObjective
    from dualgland_training.perceptual.objective import JudgeObjective
    from dualgland_training.trainer.loop import Training

    match options:
        case TrainConfig():
            return Training(options, partial(GeneratorObjective, options), folder, **how)
        case LocalizerRecipe():
            return Training(options, partial(LocalizerObjective, options), folder, **how)
        case JudgeRecipe():
            return Training(options, partial(JudgeObjective, options), folder, **how)
    raise TypeError(f"nothing trains by {type(options).__name__}")
