"""Who may do what in ClickHouse: `access.yaml`, rendered as users.xml (local server) or SQL (your own)."""
