"""The one training loop: steps, average, checkpoints, log, several processes, being stopped.

It knows nothing of what is trained: that is an
:class:`~dualgland_training.trainer.objective.Objective`.
"""
