"""``python -m napari_dualgland`` is ``dualgland``."""

from napari_dualgland.cli import main

main()
