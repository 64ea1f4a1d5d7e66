"""Groups of users who behave alike: found, named, kept by the next training, and who is in which since when."""
