"""Where in the cell a protein is: the names of the places, and what tells them."""
