"""Plausible pictures by analogy: what the image itself has beyond its fills, copied into holes."""
