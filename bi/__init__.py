"""Superset: an environment of its own, and its dashboards as code."""
