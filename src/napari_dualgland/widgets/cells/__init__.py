"""What the docks have in common that look at the cells of a field: *Localize*, *Boundaries*."""
