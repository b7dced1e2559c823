"""What every dock is built of."""
