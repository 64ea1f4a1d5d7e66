"""Superset's metadata to its newest version, its permissions and roles, and the user admin. Can be run again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import superset
from flask_migrate import upgrade
from superset.app import create_app

ADMIN = "admin"

app = create_app()
with app.app_context():
    upgrade(directory=str(Path(superset.__file__).parent / "migrations"))

    from superset.extensions import appbuilder
    from superset.extensions import security_manager as security

    appbuilder.add_permissions(update_perms=True)
    security.sync_role_definitions()
    password = json.loads((Path(os.environ["MILLRACE_BI_HOME"]) / "secrets.json").read_text())["admin_password"]
    if (admin := security.find_user(ADMIN)) is None:
        security.add_user(ADMIN, "Admin", "", "admin@localhost", security.find_role("Admin"), password=password)
    else:
        security.reset_password(admin.id, password)
