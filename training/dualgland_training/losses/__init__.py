"""Losses: pure functions on tensors, each with its formula."""

from dualgland_training.losses.pituitary import pituitary_loss
from dualgland_training.losses.reconstruction import reconstruction_loss
from dualgland_training.losses.salivary import salivary_loss

__all__ = ["pituitary_loss", "reconstruction_loss", "salivary_loss"]
