"""Learn the set points of compartments: ``python -m dualgland_training.annotated --help``."""

import typer

from dualgland_training.generator.set_points import main

if __name__ == "__main__":
    typer.run(main)
