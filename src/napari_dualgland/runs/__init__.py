"""Training runs as the plugin sees them: recipes, what a folder of images holds, what a run tells.

The training module is a program of its own, started and watched from here by its files alone:
nothing in this room imports it, Qt or torch.
"""
