"""A report in each format: every number is that of the answer, and no text of the data is anything but text."""
