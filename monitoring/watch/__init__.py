"""Series that are watched, because their metric says so, and what they did that was not to be expected."""
