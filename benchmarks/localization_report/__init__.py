"""How well the program tells where a protein is: a section of the report per module.

Each section is a function from :class:`~.setting.Setting` to plain numbers; :mod:`.tables` makes
tables of them with what their figures mean. ``benchmarks/localize.py`` runs them.
"""
