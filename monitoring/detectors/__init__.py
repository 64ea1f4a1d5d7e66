"""How surprising each point of a series is, told from that point and its past alone."""
