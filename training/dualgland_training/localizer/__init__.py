"""How the localizer learns: a bank of drawn cells, real ones beside them, one loop."""
