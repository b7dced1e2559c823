"""Where and how a frame is filled: tiles around holes, their surroundings, no seams."""
