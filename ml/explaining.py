"""All that models say of one person, from every mart of predictions that has people."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from warehouse.connection import connect, failures_as_sentences
from warehouse.errors import MillraceError
from warehouse.settings import Settings

MOST_ROWS = 20  # of one mart: recommendations are several
OF_PERSON = {
    "person_id": "person_id = {person:String}",
    "person_key": "person_key = cityHash64({project:String}, {person:String})",
}
# What says which row it is, or that somebody asked for by id has that id, is no news.
OF_THE_KEY = ("person_key", "project_id", "person_id", "is_newest")


def explain(settings: Settings, project: str, person: str) -> Mapping[str, list[dict[str, Any]]]:
    """Rows by mart; those that say nothing of this person are left out."""
    found: dict[str, list[dict[str, Any]]] = {}
    with closing(connect(settings, "modeler")) as client, failures_as_sentences("what is predicted"):
        marts = [name for (name,) in client.query("SHOW TABLES FROM marts LIKE 'pred\\_%'").result_rows]
        columns = {name: client.query(f"SELECT * FROM marts.{name} LIMIT 0").column_names for name in marts}
        with_people = {
            name: next(OF_PERSON[column] for column in OF_PERSON if column in columns[name])
            for name in marts
            if OF_PERSON.keys() & set(columns[name])
        }
        for name, is_the_person in with_people.items():
            newest = " AND is_newest" if "is_newest" in columns[name] else ""  # of one for each day
            said = client.query(
                f"SELECT * FROM marts.{name} WHERE project_id = {{project:String}} AND {is_the_person}{newest} "
                "LIMIT {most:UInt16}",
                parameters={"project": project, "person": person, "most": MOST_ROWS},
            )
            if said.result_rows:
                rows = [dict(zip(said.column_names, row, strict=True)) for row in said.result_rows]
                found[name] = [{key: value for key, value in row.items() if key not in OF_THE_KEY} for row in rows]
    if not with_people:
        raise MillraceError(
            "Nothing was predicted of anybody so far.",
            hint="`millrace train`, then `millrace predict`; see docs/models.md.",
        )
    if not found:
        raise MillraceError(
            f"No model says anything of {person!r} in {project}.",
            hint=f"Looked for in {', '.join(with_people)}: `millrace predict` writes them; ids are those of person_id.",
        )
    return found
