"""The field of view: which layer plays which role."""
