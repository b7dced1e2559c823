"""The training loop: draw, step, tell, look, keep; until the end or until told to stop.

Everything that happened goes, a line each, into ``events.jsonl`` of the run's folder; a
run that was killed goes on from its last checkpoint as if nothing had happened.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import Any

import torch

from dualgland_training import distributed
from dualgland_training.batches import Batch, Batches
from dualgland_training.checkpoint import (
    clear_unfinished,
    export_model,
    find_checkpoints,
    latest_checkpoint,
    load_checkpoint,
    save_checkpoint,
    set_aside,
)
from dualgland_training.config import TrainConfig
from dualgland_training.data import read_split
from dualgland_training.descent import Descent, Terms, mean_terms
from dualgland_training.events import Events, open_tensorboard
from dualgland_training.initial import load_start
from dualgland_training.lock import RunLock
from dualgland_training.memory import is_out_of_memory, release, say_what_fits, used_memory
from dualgland_training.objective import Objective
from dualgland_training.pictures import sample_sheet, write_sheet
from dualgland_training.prefetch import default_workers, draw_ahead
from dualgland_training.stopping import StopRequest
from dualgland_training.validate import Validation, pooled, watched_sources
from napari_dualgland import __version__
from napari_dualgland.errors import DualglandError
from napari_dualgland.model.device import choose_device, processor_name
from napari_dualgland.model.generator import load_generator
from napari_dualgland.model.precision import choose_by_time, has_bfloat16

VALIDATION_CROP = 128
"""Side in pixels of the crops that are looked at while training."""


def comes_of_compiling(error: BaseException) -> bool:
    """Return whether it was ``torch.compile`` that failed: no compiler, most often."""
    return type(error).__module__.startswith(("torch._dynamo", "torch._inductor"))


class Stopped(Exception):
    """A run was asked to stop and has left a checkpoint."""

    def __init__(self, step: int, cause: signal.Signals) -> None:
        super().__init__(f"stopped after step {step}; --resume goes on from there")
        self.step, self.cause = step, cause


class Training:
    """A run in a folder.

    Parameters
    ----------
    config : TrainConfig
        The resolved recipe.
    folder : pathlib.Path
        Where checkpoints, events, pictures and the finished model go.
    resume : bool
        Go on from the newest checkpoint of the folder, if there is one.
    tensorboard : bool
        Write curves for TensorBoard too.

    Raises
    ------
    DualglandError
        If the folder holds a run that is not resumed or is trained in by another process,
        or data, start or device of the recipe cannot be had.
    """

    def __init__(
        self,
        config: TrainConfig,
        folder: Path,
        *,
        resume: bool = False,
        tensorboard: bool = False,
    ) -> None:
        self.config, self.folder, self.step = config, folder, 0
        self.figures: dict[str, Any] = {}
        if not resume and (held := find_checkpoints(folder)):
            raise DualglandError(
                f"{folder}: holds a run ({held[0].name}); go on with it by --resume, "
                "or choose another folder"
            )
        self.device = distributed.own_device(choose_device(config.device))
        torch.set_num_threads(config.threads)
        torch.manual_seed(config.seed)
        distributed.join(self.device)
        folder.mkdir(parents=True, exist_ok=True)
        self.events = Events(folder, config.steps, silent=distributed.rank() > 0)
        self.lock = self._lock()
        newest = latest_checkpoint(folder)
        self.split = read_split(config, self._warn)
        self.batches = Batches(self.split.train, config, distributed.rank(), distributed.world())
        precision, took = self._choose_precision()
        self.objective = Objective(config, self.device, precision)
        new = None
        if config.start is not None and newest is None:
            new = load_start(self.objective.generator, config.found(config.start))
        self.descent = Descent(self.objective, config)
        if newest is not None:
            self._load(newest)
        self._tidy(newest)
        if tensorboard and distributed.rank() == 0:
            self.events.writer = open_tensorboard(folder, self.step)
        self._tell_start(newest, new, took)
        self.watched = self._choose_watched()

    def _warn(self, text: str) -> None:
        self.events.warn(self.step, text)

    def _log(self, **event: Any) -> None:
        self.events.log(self.step, **event)

    def _lock(self) -> AbstractContextManager[Any]:
        """Take the folder for this run; the first process for all, the others wait for it."""
        lock: AbstractContextManager[Any] = nullcontext()
        refused = None
        if distributed.rank() == 0:
            try:
                lock = closing(RunLock(self.folder, self.events.notice))
            except DualglandError as error:
                refused = error
        if distributed.any_of(refused is not None, self.device):
            raise refused or DualglandError(f"{self.folder}: the first process may not train there")
        return lock

    def _choose_precision(self) -> tuple[str, dict[str, float]]:
        """Return the precision of all processes, and the seconds of a pass that spoke for it."""
        chosen, took = choose_by_time(self.config.precision, self.device)
        if distributed.any_of(chosen == "fp32", self.device):
            chosen = "fp32"
        if chosen == "bf16" and not has_bfloat16(self.device):
            self._warn("bfloat16 is emulated here, and slow; precision: auto takes fp32")
        return chosen, took

    def _tidy(self, newest: Path | None) -> None:
        """See that all processes stand at one step; put away what a kill left in the folder."""
        if not distributed.same(self.step, self.device):
            raise DualglandError(
                f"{self.folder}: the processes find different checkpoints there; the run's folder "
                "must lie on a file system that all machines share"
            )
        if distributed.rank() == 0:
            clear_unfinished(self.folder)
            if newest is not None:
                for path in set_aside(self.folder, newest):
                    self._warn(f"{path}: is damaged; going on from {newest.name}")

    def _tell_start(
        self, newest: Path | None, new: list[str] | None, took: dict[str, float]
    ) -> None:
        told: dict[str, Any] = {
            "config": self.config.model_dump(mode="json"),
            "device": str(self.device),
            "processor": processor_name(),
            "precision": self.objective.precision,
            "seconds_a_pass": took,
            "processes": distributed.world(),
            "torch": torch.__version__,
            "version": __version__,
            "images": {part: len(sources) for part, sources in self.split._asdict().items()},
        }
        if newest is not None:
            told["resumed_from"] = self.step
        if new is not None:
            told["start"], told["new_tensors"] = str(self.config.start), new
        self._log(started=told)

    def _load(self, path: Path) -> None:
        """Put a checkpoint back in place; say what of the recipe has changed since."""
        self.step, kept, state = load_checkpoint(
            path, self.descent.networks, self.descent.average, self.descent.optimisers
        )
        self.objective.load_state({k: v.to(self.device) for k, v in kept.items()})
        self.figures = state["figures"]
        self._keep_precision(state.get("precision", self.objective.precision))
        now = self.config.model_dump(mode="json")
        changed = [k for k, v in now.items() if k in state["config"] and state["config"][k] != v]
        if changed:
            self._warn(f"the recipe is not that of the checkpoint: {', '.join(changed)} differ")

    def _keep_precision(self, was: str) -> None:
        """Go on in the precision of the checkpoint, bit for bit, where this device has it."""
        now = self.objective.precision
        if was == now:
            return
        asked = self.config.precision
        if asked == "auto" and (was == "fp32" or has_bfloat16(self.device)):
            self.objective.precision = was
        else:
            self._warn(f"precision was {was} and is {now} here: no longer bit for bit the same run")

    def _choose_watched(self) -> Validation | None:
        """Draw what is looked at while training; nothing where no image is fit for it."""
        config = self.config
        if distributed.rank() > 0:
            return None
        sets = watched_sources(self.split, config)
        if not sets or config.validation_crops == 0:
            self._warn("no image with all four channels is kept for validation: no figures")
            return None
        # A mistyped name is told before a minute is spent on the crops.
        reference = None if config.reference is None else load_generator(config.reference)
        watched = Validation(sets, config.validation_crops, VALIDATION_CROP, self.device)
        if reference is not None:
            watched.refer(reference.to(self.device))
        return watched

    def run(self) -> Path:
        """Train to the end; return the path of the finished model's weights.

        Raises
        ------
        Stopped
            After SIGTERM or Ctrl-C, once a checkpoint is written.
        NotFinite
            If a gradient is not finite.
        DualglandError
            If memory runs out; the message says which batch would fit.
        """
        workers = self.config.workers
        if workers is None:
            workers = default_workers(self.device)
        steps = range(self.step, self.config.steps)
        drawn = draw_ahead(self.batches, steps, workers, self.device)
        with self.lock, self.events, StopRequest() as stop, closing(drawn):
            self.events.restart_clock(self.step)
            try:
                self._train(drawn, stop)
            except DualglandError as error:
                self._log(failed=str(error))
                raise
            model = self._export()
            self._log(finished=model.name)
        return model

    def _train(self, drawn: Iterator[Batch], stop: StopRequest) -> None:
        config = self.config
        window: list[Terms] = []
        drawing = stepping = 0.0
        while self.step < config.steps:
            start = time.perf_counter()
            batch = next(drawn).to(self.device)
            ready = time.perf_counter()
            window.append(self._advance(batch))
            drawing += ready - start
            stepping += time.perf_counter() - ready
            self.step += 1
            self.events.advance(self.step)
            last = self.step == config.steps
            if self.step % config.log_every == 0 or last:
                self._tell(window, drawing, stepping)
                window, drawing, stepping = [], 0.0, 0.0
            if self.step % config.validate_every == 0 or last:
                self._look()
            asked = distributed.any_of(bool(stop), self.device)
            if self.step % config.checkpoint_every == 0 or last or asked:
                self._keep()
            if asked and not last:
                self._export()
                self._log(stopped=True)
                raise Stopped(self.step, stop.signal or signal.SIGTERM)

    def _advance(self, batch: Batch) -> Terms:
        try:
            return self.descent.advance(batch, self.step)
        except (RuntimeError, MemoryError) as error:
            if comes_of_compiling(error):
                first = str(error).strip().split("\n", 1)[0]
                raise DualglandError(f"compile: true failed here ({first}); set it false") from None
            if not is_out_of_memory(error):
                raise
        # Outside the handler: the error holds on to the tensors that were too many.
        raise DualglandError(self._what_fits(batch))

    def _what_fits(self, batch: Batch) -> str:
        """Return what to say when memory ran out: the batch that would have fitted."""

        def rehearse(count: int) -> None:
            self.descent.rehearse(Batch(*(tensor[:count] for tensor in batch)), self.step)

        return say_what_fits(
            rehearse,
            sources=len(self.batches.places),
            each=self.config.crops_per_source,
            side=self.config.crop,
            processes=distributed.world(),
            device=self.device,
        )

    def _tell(self, window: list[Terms], drawing: float, stepping: float) -> None:
        """Log means over the last steps, and how fast they were."""
        losses = mean_terms(window)
        speed = len(window) / (drawing + stepping)
        self._log(
            losses=losses,
            steps_per_second=speed,
            share_of_drawing=drawing / (drawing + stepping),
            memory=used_memory(self.device),
        )
        shown = ", ".join(f"{name} {terms['loss']:.4g}" for name, terms in losses.items())
        left = (self.config.steps - self.step) / speed / 60
        self.events.say(
            f"step {self.step} of {self.config.steps}: loss of {shown}; "
            f"{speed:.2f} steps/s, {left:.0f} min left"
        )

    def _look(self) -> None:
        """Validate the averaged generator, keep a sheet of pictures, export the model."""
        if distributed.rank() > 0:
            return
        if self.watched is not None:
            try:
                self._validate()
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._warn("out of memory in validation: no figures; lower validation_crops:")
                release(self.device)
        self._export()

    def _validate(self) -> None:
        """Compare the averaged generator with its prior, and log figures and pictures."""
        assert self.watched is not None
        table = self.watched.look(self.descent.average)
        self.figures = pooled(table)
        event: dict[str, Any] = {"validation": table, "crops": self._crops_seen()}
        if self.config.pictures:
            first = next(iter(self.watched.sets.values()))
            sheet = sample_sheet(self.descent.average, first, self.config.pictures)
            event["pictures"] = write_sheet(sheet, self.folder, self.step)
        self._log(**event)

    def _crops_seen(self) -> int:
        return self.step * self.config.sources * self.config.crops_per_source

    def _keep(self) -> None:
        if distributed.rank() == 0:
            descent = self.descent
            state = {
                "config": self.config.model_dump(mode="json"),
                "figures": self.figures,
                "precision": self.objective.precision,
            }
            save_checkpoint(
                self.folder,
                self.step,
                descent.networks,
                descent.average,
                descent.optimisers,
                self.objective.state(),
                state,
            )

    def _export(self) -> Path:
        """Write the model as it stands; the first process for all."""
        if distributed.rank() > 0:
            return self.folder / f"{self.config.name}.safetensors"
        return export_model(
            self.folder,
            self.descent.average,
            self.config,
            self.split,
            self.objective.architecture(),
            self.step,
            self.figures,
        )
