"""How the generator learns: batches of damaged crops, dual glands, a game for the texture."""
