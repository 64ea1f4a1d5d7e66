"""Saved sets of metrics and journeys, made for a period, written as files and sent to whom they concern."""
