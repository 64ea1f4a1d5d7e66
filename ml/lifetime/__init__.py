"""What customers will still buy: how often (BG/NBD), whether they come at all, and for how much (Gamma-Gamma)."""
