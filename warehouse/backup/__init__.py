"""Backups: what cannot be made again, into a folder or an object store, and back."""
