"""Predictions over HTTP, for products that ask while somebody waits: `millrace serve`."""
