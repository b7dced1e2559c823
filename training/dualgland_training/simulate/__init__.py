"""Simulated fields of view: the sample pictures, and pixels that anyone may train on.

No measurement is behind them. A field is built as a microscope would meet it: cells and
nuclei are laid out, landmarks and a protein are placed in them as a volume, and optics
turn the volume into 8-bit pictures.
"""

from dualgland_training.simulate.field import SimulatedField, simulate_field

__all__ = ["SimulatedField", "simulate_field"]
