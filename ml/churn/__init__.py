"""Who is about to leave, and why: a model of what was known of each user at the end of a day (features)."""
