"""Images for training: collections and a lab's own, who keeps what apart, crops and damage."""
