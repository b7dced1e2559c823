"""The layers that the docks read and make."""
