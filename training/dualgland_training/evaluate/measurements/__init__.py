"""What damage and its repair do to measurements: counts, areas and intensities of cells.

``dualgland evaluate --measurements`` damages fields that no model was trained on
(:mod:`.fields`), measures them as damaged, with the lost pixels left out, and after every fill
(:mod:`.measuring`), holds each against the undamaged field (:mod:`.errors`) and writes the
table (:mod:`.report`).
"""
