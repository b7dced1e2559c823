"""Losses: pure functions on tensors."""

from dualgland_training.losses.reconstruction import reconstruction_loss

__all__ = ["reconstruction_loss"]
