"""How the pictures of the pages are taken: of the real docks, over the simulated samples."""
