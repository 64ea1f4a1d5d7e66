"""Whether Superset takes what is declared and answers each chart: tried in one that is thrown away."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from bi.bundle import files
from bi.client import Client, Refused
from bi.differences import Difference
from bi.home import Home
from bi.model import Bundle
from bi.service import Service, Tell
from bi.syncing import bring, bundle_of, drift
from warehouse.settings import Settings


@dataclass(frozen=True)
class Problem:
    place: str  # file and line
    chart: str
    sentence: str


@dataclass(frozen=True)
class Validation:
    charts: int
    problems: Sequence[Problem]
    drift: Sequence[Difference]  # in the Superset that runs, if one does


def validate(settings: Settings, service: Service, tell: Tell) -> Validation:
    bundle = bundle_of(settings)
    with tempfile.TemporaryDirectory(prefix="millrace-bi-") as folder:
        # Its metadata lie in the folder, too, wherever those of the real one are.
        own = settings.model_copy(update={"bi_postgres": SecretStr("")})
        aside = Service(own, Home(Path(folder) / "bi"), port=0)
        try:
            aside.up(tell)
            client = aside.client()
            bring(client, aside.home, bundle, files(bundle))
            tell(f"Asking {len(bundle.charts)} charts …")
            problems = problems_of(client, bundle)
        finally:
            aside.down()
    edited = drift(settings, service) if service.running() else []
    return Validation(len(bundle.charts), problems, edited)


def problems_of(client: Client, bundle: Bundle) -> list[Problem]:
    ids = {row["uuid"]: row["id"] for row in client.listed("chart", ["id", "uuid"])}
    found = []
    for chart in bundle.charts:
        try:
            client.chart_data(ids[chart.id])
        except Refused as error:
            found.append(Problem(chart.place, f"{chart.dashboard}: {chart.title}", error.message))
    return found
