"""The engine of ``boundaries``: soft compartments, where they end, and the balance among them.

It is not called as its function is, which stands at the top of the package: a folder of that
name would take its place there as soon as anybody imported something from it.
"""
