"""People of access.yaml in Superset: their roles and passwords, and whose rows they see.

Rows are one rule on every dataset that has projects: a condition that inside/superset_config.py makes when something is
asked, of a file that is written here. Whom the file does not have sees no row. What has no projects is for analysts.
"""

from __future__ import annotations

import hashlib
import json
import secrets

from bi.environment import INSIDE
from bi.home import ADMIN, Home, write_private
from bi.model import Bundle
from bi.service import Service
from warehouse.access.model import Access, load_access
from warehouse.errors import MillraceError
from warehouse.projects import load_projects
from warehouse.settings import Settings, secret

PROGRAM = "people.py"
TENANT = "project_id"


def sync_people(settings: Settings, service: Service, bundle: Bundle, anew: bool = False) -> bool:
    """Whether anything was told: what is as it was told last is not told again, unless it is to be (`anew`)."""
    access, home = load_access(settings, load_projects(settings)), service.home
    write_private(home.rows_file, json.dumps({ADMIN: "all", **{n: p.projects for n, p in access.people.items()}}))
    passwords = _passwords(home, access)
    people = [
        {"name": name, "role": person.role, "email": person.email, "password": passwords[name]}
        for name, person in access.people.items()
    ]
    told = json.dumps(
        {
            "people": people,
            "datasets": [dataset.id for dataset in bundle.datasets],
            "of_projects": [dataset.id for dataset in bundle.datasets if dataset.has(TENANT)],
        }
    )
    digest = hashlib.sha256((INSIDE / PROGRAM).read_bytes() + told.encode()).hexdigest()
    if not anew and home.people_file.exists() and home.people_file.read_text() == digest:
        return False
    service.tell_inside(PROGRAM, told, "Superset does not take the people of access.yaml")
    write_private(home.people_file, digest)
    return True


def _passwords(home: Home, access: Access) -> dict[str, str]:
    """Those that no setting has are made up once, and kept where this user alone can read them."""
    path = home.passwords_file
    try:
        kept: dict[str, str] = json.loads(path.read_text())
    except FileNotFoundError:
        kept = {}
    except (OSError, ValueError) as error:
        raise MillraceError(
            f"{path} cannot be read: {error}.", hint="Restore it, or remove it: all get new ones."
        ) from error
    wanted = {name: kept.get(name) or secrets.token_urlsafe(18) for name in access.people}
    if wanted != kept:
        write_private(path, json.dumps(wanted, indent=2) + "\n")
    return {name: secret(f"bi_password_{name}") or made for name, made in wanted.items()}
