"""The *Boundaries* dock."""
