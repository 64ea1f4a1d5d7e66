"""Models that learn from the marts: what they say is written into the database ml and read as marts.pred_*."""
