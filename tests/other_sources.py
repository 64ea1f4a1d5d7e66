"""What CRM, billing and the others of a simulated world hand over, loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support import Instance

OF_ONE_PROJECT = ("customers", "subscriptions", "invoices", "marketing_spend", "nps_answers")
OF_EVERY_PROJECT = ("products", "currency_rates")
SOURCES = (*OF_ONE_PROJECT, *OF_EVERY_PROJECT)


def load_other_sources(instance: Instance, folder: Path) -> dict[str, dict[str, Any]]:
    """By source, what the load told."""
    results = []
    for names, projects in (
        (OF_ONE_PROJECT, ()),
        (OF_EVERY_PROJECT, ("--project", "demo", "--project", "demo_mobile")),
    ):
        files = [f"--file={name}={next(folder.glob(f'{name}.*'))}" for name in names]
        results += instance.json("sources", "load", *files, *projects)
    return {result["feed"]: result for result in results}
