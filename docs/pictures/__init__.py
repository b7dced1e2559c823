"""How the pictures of the pages are taken: from the real docks, over the simulated samples alone."""
