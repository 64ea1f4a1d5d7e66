"""raw.event_types says what the files of ingestion/event_types say, read here as plain YAML."""

from __future__ import annotations

from typing import Any

import yaml

from ingestion.registry import EVENT_TYPES_FOLDER
from tests.support import Instance

FILES = {path.stem: yaml.safe_load(path.read_text()) for path in EVENT_TYPES_FOLDER.glob("*.yaml")}
PERSONAL = {
    name
    for file in FILES.values()
    for name, schema in file.get("properties", {}).items()
    if schema.get("pii", "none") != "none"
}


def expected(name: str, file: dict[str, Any]) -> tuple[Any, ...]:
    properties = sorted(file.get("properties", {}))
    personal = [one for one in properties if one in PERSONAL]
    words = (file["owner"], file["description"], file.get("message_type", "track"), file.get("deprecated", ""))
    return (name, *words, properties, sorted(file.get("required", [])), personal, file.get("synonyms", []))


def test_the_table_holds_what_the_files_say(clickhouse: Instance) -> None:
    assert len(PERSONAL) > 3
    columns = (
        "event, owner, description, message_type, deprecated, properties, required_properties, personal_properties, "
        "synonyms"
    )
    found = clickhouse.rows(f"SELECT {columns} FROM raw.event_types ORDER BY event")
    assert found == [expected(name, FILES[name]) for name in sorted(FILES)]


def test_a_second_migration_has_nothing_to_do(clickhouse: Instance) -> None:
    done = clickhouse.run("migrate")
    assert (done.returncode, done.stdout.strip()) == (0, "The schema is up to date."), done.stderr
