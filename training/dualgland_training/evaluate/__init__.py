"""How good a model is, measured after section by section of one plan, on images kept apart.

``python -m dualgland_training.evaluate`` (``dualgland evaluate``) fills held-out images
with every method in a process of its own (:mod:`.worker`), scores the fills
(:mod:`.scoring`), compares them in pairs (:mod:`.comparison`) and writes JSON, Markdown
and figures.
"""
