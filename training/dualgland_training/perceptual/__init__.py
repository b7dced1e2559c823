"""Two small networks that look at cells, and how they learn: one for the loss, one for scores."""
