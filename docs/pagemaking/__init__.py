"""What the pages are made of that nobody writes by hand.

Commands come from the command line itself, the reference from ``__all__``, cards from the
weights, figures and tables from ``benchmarks/results``: a page cannot say what is not so.
"""
