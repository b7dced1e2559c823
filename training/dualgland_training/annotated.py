"""Learn the set points of compartments: ``python -m dualgland_training.annotated --help``."""

from dualgland_training.generator.set_points import app

if __name__ == "__main__":
    app()
