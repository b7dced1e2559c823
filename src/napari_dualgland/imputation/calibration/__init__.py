"""What is learned and checked inside the image, on copies of its own holes."""
