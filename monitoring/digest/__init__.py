"""What changed on a day, why, and what to look at: for people who will not look by themselves."""
