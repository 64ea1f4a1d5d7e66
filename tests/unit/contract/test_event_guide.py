"""docs/events.md says what the definitions say, and its examples are true."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ingestion.event_guide import GUIDE, regenerate
from ingestion.registry import Registry, load_registry
from ingestion.validation import line_problems
from warehouse.errors import MillraceError

TEXT = GUIDE.read_text(encoding="utf-8")


def test_the_generated_parts_are_up_to_date(registry: Registry) -> None:
    assert regenerate(TEXT, registry) == TEXT, "write them anew: python -m ingestion.event_guide"


def test_the_guide_names_every_event_type_and_property(registry: Registry) -> None:
    """By hand, not by the generator: a table that came out empty would agree with itself."""
    assert [name for name in registry if f"| `{name}` |" not in TEXT] == []
    assert [path for path in registry.paths if f"| `{path}` |" not in TEXT] == []
    assert "| `received_at` | `DateTime64(3, 'UTC')` |" in TEXT
    assert "| `page.referrer` |" in TEXT
    assert "| `future_timestamp` | It happened more than 24 hours after it was received, or after now. |" in TEXT


def test_a_change_of_the_definitions_shows(registry: Registry) -> None:
    fewer = Registry(event_type for event_type in registry.values() if event_type.name != "nps_answered")
    changed = regenerate(TEXT, fewer)
    assert "| `nps_answered` |" not in changed
    assert "| `order_completed` |" in changed


def test_a_lost_marker_is_an_error(registry: Registry) -> None:
    with pytest.raises(MillraceError, match="must hold each of columns, context, event types"):
        regenerate(TEXT.replace("<!-- generated: reasons -->", ""), registry)


def test_the_example_line_is_accepted(registry: Registry) -> None:
    (example,) = re.findall(r"```json\n(.*?)\n```", TEXT, re.DOTALL)
    assert json.loads(example)["event"] in registry
    assert line_problems(example.encode(), registry, ("demo",)) == []


def test_the_example_event_type_can_be_added(tmp_path: Path, registry: Registry) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)\n```", TEXT, re.DOTALL)
    (tmp_path / "report_shared.yaml").write_text(example)
    report_type = load_registry(tmp_path)["report_shared"].properties["report_type"]
    assert report_type.enum == registry["report_viewed"].properties["report_type"].enum
