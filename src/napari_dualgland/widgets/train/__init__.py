"""The *Train* dock."""
