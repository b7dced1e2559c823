"""The *Batch* dock."""
