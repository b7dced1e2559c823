"""The *Impute* dock."""
