"""The *Localize* dock."""
