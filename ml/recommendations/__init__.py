"""Products that people may want next: by what goes together, where that is better than what sells most."""
