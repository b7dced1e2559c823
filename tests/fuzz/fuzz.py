"""Read many damaged files with every reader, and count what was right.

    python tests/fuzz/fuzz.py --each 1400 --out benchmarks/results/fuzz.md

Input ``i`` of a reader is always the same: its damage is drawn from the reader's name and
``i``. Every reader works in a process of its own, which may take a limited memory and time;
so what crashes or hangs is counted as well. ``--keep`` stores what was not right.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import json
import logging
import multiprocessing
import os
import platform
import random
import resource
import shutil
import sys
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from fuzz_mutations import Damage, damaged, drawn
from fuzz_readers import READERS

from napari_dualgland.errors import DualglandError
from napari_dualgland.model.device import processor_name

PATIENCE = 20.0
"""Seconds that one input may take."""
MEMORY = 3 * 2**29
"""Bytes that a reader may take beyond what it starts with."""


def spoil(seed: Path, at: Path, done: tuple[Damage, ...], pick: int) -> Path:
    """Copy a sound file, or folder of files, and damage it.

    Parameters
    ----------
    seed : pathlib.Path
        The file; of a folder one file is damaged.
    at : pathlib.Path
        Folder that the copy is made in; it is emptied.
    done : tuple of Damage
    pick : int
        Chooses the file of a folder.

    Returns
    -------
    pathlib.Path
        Of the copy.
    """
    shutil.rmtree(at, ignore_errors=True)
    at.mkdir(parents=True)
    copy = at / seed.name
    if seed.is_dir():
        shutil.copytree(seed, copy)
        files = sorted(path for path in copy.rglob("*") if path.is_file())
        victim = files[pick % len(files)]
    else:
        victim = Path(shutil.copyfile(seed, copy))
    victim.write_bytes(damaged(victim.read_bytes(), done))
    return copy


def verdict(reader: str, path: Path) -> tuple[str, str]:
    """Read a file; return ``read``, ``refused`` or ``wrong``, and the kind or what happened."""
    try:
        READERS[reader].read(path)
    except DualglandError as error:
        return "refused", error.kind.value
    except Exception as error:
        return "wrong", f"{type(error).__name__}: {error}"[:200]
    return "read", ""


def chosen(reader: str, i: int, seeds: list[Path]) -> tuple[Path, tuple[Damage, ...], int]:
    """Return the file, the damage and the choice within a folder of input ``i``."""
    chance = random.Random(f"{reader}:{i}")
    return seeds[i % len(seeds)], drawn(chance), chance.randrange(2**16)


def _work(reader: str, numbers: range, folder: Path, seeds: list[Path], tell: Connection) -> None:
    """Read inputs and tell each verdict; runs in a process of its own."""
    faulthandler.disable()
    warnings.simplefilter("ignore")
    logging.disable()
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
    os.chdir(folder)
    for i in numbers:
        seed, done, pick = chosen(reader, i, seeds)
        tell.send((i, *verdict(reader, spoil(seed, folder / "input", done, pick))))
    tell.close()


def fuzz(reader: str, count: int, keep: Path | None) -> dict[str, Any]:
    """Try a reader; return how often it read, refused and was wrong, and what was wrong."""
    tally, kinds, wrong = Counter[str](), Counter[str](), []
    started = time.process_time() + sum(os.times()[2:4])
    with tempfile.TemporaryDirectory() as at:
        folder = Path(at)
        (folder / "seeds").mkdir()
        seeds = READERS[reader].seeds(folder / "seeds")
        for seed in seeds:
            READERS[reader].read(spoil(seed, folder / "input", (), 0))  # a sound one is read
        todo = 0
        while todo < count:
            hear, tell = multiprocessing.Pipe(duplex=False)
            work = (reader, range(todo, count), folder, seeds, tell)
            process = multiprocessing.get_context("fork").Process(target=_work, args=work)
            process.start()
            tell.close()
            with contextlib.suppress(EOFError):
                while todo < count and hear.poll(PATIENCE):
                    i, how, what = hear.recv()
                    todo = i + 1
                    tally[how] += 1
                    kinds[what] += how == "refused"
                    if how == "wrong":
                        wrong.append((i, what))
            if todo < count:
                hung = process.is_alive()
                process.kill()
                process.join()
                what = f"no end within {PATIENCE:.0f} s" if hung else f"exit {process.exitcode}"
                wrong.append((todo, what))
                tally["wrong"] += 1
                todo += 1
            process.join()
        if keep is not None:
            for i, what in wrong:
                seed, done, pick = chosen(reader, i, seeds)
                copy = spoil(seed, keep / f"{reader.replace(' ', '_')}-{i}", done, pick)
                said = {"what": what, "file": copy.name, "done": [asdict(one) for one in done]}
                (copy.parent / "why.json").write_text(json.dumps(said, indent=1))
    spent = time.process_time() + sum(os.times()[2:4]) - started
    kinds += Counter()  # drops what was counted zero times
    counts = {how: tally[how] for how in ("read", "refused", "wrong")}
    return {**counts, "kinds": dict(kinds.most_common()), "faults": wrong, "cpu_s": round(spent)}


def table(found: dict[str, dict[str, Any]]) -> str:
    """Return the counts as Markdown."""
    lines = [
        "| reader | tried | read | refused | wrong | refused as |",
        "|---|---|---|---|---|---|",
    ]
    for reader, told in found.items():
        counts = [told[how] for how in ("read", "refused", "wrong")]
        kinds = ", ".join(f"{kind} {n}" for kind, n in list(told["kinds"].items())[:4])
        lines.append(f"| {reader} | {sum(counts)} | {' | '.join(map(str, counts))} | {kinds} |")
    total = [sum(t[how] for t in found.values()) for how in ("read", "refused", "wrong")]
    lines.append(f"| **all** | {sum(total)} | {' | '.join(map(str, total))} | |")
    return "\n".join(lines) + "\n"


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--each", type=int, default=1400, help="inputs per reader")
    parser.add_argument("--reader", action="append", choices=READERS)
    parser.add_argument("--keep", type=Path, help="folder for what was not right")
    parser.add_argument("--out", type=Path, help="write the table there, and JSON beside")
    given = parser.parse_args()
    found = {}
    for reader in given.reader or READERS:
        found[reader] = told = fuzz(reader, given.each, given.keep)
        counts = ", ".join(f"{told[how]} {how}" for how in ("read", "refused", "wrong"))
        _tell(f"{reader}: {counts}; {told['cpu_s']} CPU-s")
        for what, n in Counter(what for _, what in told["faults"]).most_common(8):
            _tell(f"    {n} × {what}")
    if given.out:
        spent = sum(told["cpu_s"] for told in found.values())
        head = (
            "# Damaged files\n\nOne to four damages to the bytes of a sound file (bits, integers, "
            "lengths, words, pieces lost, doubled or moved). *Read*: what was read keeps what it "
            "promises (axes, sizes, finite numbers; a stack is written again and comes back bit "
            "for bit; a model has the weights of its card). *Refused*: in one sentence, with its "
            "data. *Wrong*: anything else, a crash, a hang or too much memory included.\n\n"
            f"`python tests/fuzz/fuzz.py --each {given.each}`, {spent} CPU-s, {processor_name()}, "
            f"Python {platform.python_version()}.\n\n"
        )
        given.out.write_text(head + table(found))
        given.out.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
    sys.exit(any(told["wrong"] for told in found.values()))


if __name__ == "__main__":
    main()
