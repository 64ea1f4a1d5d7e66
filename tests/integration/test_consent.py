"""What becomes of events whose sender did not consent to analytics, as the project says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import Instance
from warehouse.projects import hash_write_key

REFUSED = ("count", "drop", "anonymise")
SILENT = ("granted", "refused")
PROJECTS = [f"{refused}_{silent}" for refused in REFUSED for silent in SILENT]
AT = "2026-03-01T10:11:12.345Z"


def canonical(project: str, name: str, consent: bool | None, **changes: Any) -> dict[str, Any]:
    said = {} if consent is None else {"consent_analytics": consent, "consent_marketing": consent}
    return {
        "project_id": project, "event_id": f"{project}-{name}", "event": "thing_done", "user_id": "ida",
        "anonymous_id": "anon-7", "session_id": "session-7", "group_id": "group-7", "timestamp": AT, "sent_at": AT,
        "properties": {"price": 5, "order_id": "order-7", "product_id": "P1", "email": "ida@x.example", "comment": "I"},
        "context": {
            "ip": "203.0.113.77", "user_agent": "Agent 7", "device": {"id": "device-7", "type": "ios"},
            "page": {"url": "https://shop.example/a?u=7#b", "search": "?u=7", "referrer": "https://b.example/?q=7"},
        },
        **said, **changes,
    }  # fmt: skip


def of_sdks(project: str, name: str, consent: bool | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """A message of Segment and one of RudderStack."""
    message = {
        "type": "track", "event": "thing done", "userId": "ida", "messageId": f"{project}-segment-{name}",
        "timestamp": AT, "writeKey": f"mk_{project}", "context": {"ip": "203.0.113.77"},
    }  # fmt: skip
    segment, rudder = {**message}, {**message, "messageId": f"{project}-rudder-{name}"}
    if consent is not None:
        chosen = {"categoryPreferences": {"Analytics": consent}}
        segment["context"] = {**message["context"], "consent": chosen}
        ids = {
            "allowedConsentIds": ["analytics"] if consent else [],
            "deniedConsentIds": [] if consent else ["analytics"],
        }
        rudder["context"] = {**message["context"], "consentManagement": ids}
    return segment, rudder


@pytest.fixture(scope="module")
def consents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Instance, dict[str, Any]]]:
    """A project of each kind that was sent: yes, no and nothing, canonical and by two SDKs; a no that identifies, and
    one that is faulty."""
    folder = tmp_path_factory.mktemp("consent")
    with Instance(folder / "millrace") as instance:
        entries = [
            f"  - {{id: {name}, name: N, privacy: open, write_keys: ['{hash_write_key(f'mk_{name}')}'], "
            f"consent: {{refused: {name.split('_')[0]}, silent: {name.split('_')[1]}}}}}"
            for name in PROJECTS
        ]
        (instance.project_dir / "projects.yaml").write_text("\n".join(["projects:", *entries]))
        instance.up()
        lines: dict[str, list[dict[str, Any]]] = {"canonical": [], "segment": [], "rudderstack": []}
        for project in PROJECTS:
            for name, consent in (("yes", True), ("no", False), ("silent", None)):
                segment, rudder = of_sdks(project, name, consent)
                lines["canonical"].append(canonical(project, name, consent))
                lines["segment"].append(segment)
                lines["rudderstack"].append(rudder)
            who = {"event": "identify", "message_type": "identify", "properties": {"plan": "pro", "name": "Ida"}}
            lines["canonical"] += [
                canonical(project, "who", False, **who),
                canonical(project, "faulty", False, properties={"price": "Ida"}),
            ]
        results: dict[str, Any] = {}
        for dialect, of_dialect in lines.items():
            path = folder / f"{dialect}.jsonl"
            path.write_text("\n".join(map(json.dumps, of_dialect)))
            results[dialect] = instance.json("load", str(path), "--dialect", dialect)
        yield instance, results


@pytest.mark.parametrize("silent", SILENT)
@pytest.mark.parametrize("refused", REFUSED)
def test_what_is_stored_and_counted(consents: tuple[Instance, dict[str, Any]], refused: str, silent: str) -> None:
    instance, _ = consents
    project = f"{refused}_{silent}"
    kept = {"yes"} | ({"silent"} if silent == "granted" else set())
    without = {"no", "silent"} - kept
    stored = instance.rows(
        "SELECT event_id, consent_analytics, consent_marketing, consent_personalization, user_id FROM raw.events "
        f"WHERE project_id = '{project}'"
    )
    by_dialect = [f"{project}{dialect}" for dialect in ("", "-segment", "-rudder")]
    assert {row[0] for row in stored if row[4]} == {f"{start}-{name}" for start in by_dialect for name in kept}
    default = silent == "granted"
    assert {row[1:4] for row in stored if row[0] == f"{project}-yes"} == {(True, True, default)}
    anonymous = [row for row in stored if not row[4]]
    assert len(anonymous) == (3 * len(without) if refused == "anonymise" else 0)
    assert {row[1] for row in anonymous} <= {False}
    withheld = instance.rows(
        f"SELECT event, sum(lines) FROM raw.events_withheld WHERE project_id = '{project}' GROUP BY 1"
    )
    expected = {"count": {"thing_done": 3 * len(without), "identify": 1}, "drop": {}, "anonymise": {"identify": 1}}
    assert dict(withheld) == expected[refused]  # type: ignore[arg-type]
    counted = instance.rows(f"SELECT reason, sum(lines) FROM raw.load_counts WHERE project_id = '{project}' GROUP BY 1")
    refusals = 1 if refused == "anonymise" else 3 * len(without) + 1
    assert dict(counted) == {"": 11 - 1 - refusals, "no_consent": refusals, "schema_violation": 1}  # type: ignore[arg-type]


def test_received_is_accepted_and_rejected(consents: tuple[Instance, dict[str, Any]]) -> None:
    instance, results = consents
    for result in results.values():
        assert result["received"] == result["accepted"] + sum(result["rejected"].values())
    assert results["segment"]["rejected"] == {"no_consent": 2 * (1 + 2)}
    assert instance.rows("SELECT count() FROM raw.events_rejected WHERE reason = 'no_consent'") == [(0,)]


def test_a_faulty_line_without_consent_is_not_kept_either(consents: tuple[Instance, dict[str, Any]]) -> None:
    instance, _ = consents
    rows = instance.rows("SELECT project_id, line, detail FROM raw.events_rejected ORDER BY 1")
    assert [row[0] for row in rows] == sorted(PROJECTS)
    for _, line, detail in rows:
        assert set(json.loads(str(line))) == {"withheld"}
        assert "Ida" not in str(detail)


def test_an_anonymous_event_leads_to_nobody(consents: tuple[Instance, dict[str, Any]]) -> None:
    instance, _ = consents
    rows = instance.rows(
        "SELECT event_id, toString(timestamp), toString(original_timestamp), sent_at, toSecond(received_at), "
        "anonymous_id, session_id, group_id, toJSONString(properties), toJSONString(context) FROM raw.events "
        "WHERE project_id = 'anonymise_granted' AND user_id = '' AND startsWith(source, 'canonical')"
    )
    ((event_id, timestamp, original, sent, seconds, *ids, properties, context),) = rows
    assert len(str(event_id)) == 32
    assert (timestamp, original, sent, seconds) == ("2026-03-01 10:00:00.000", "2026-03-01 10:00:00.000", None, 0)
    assert ids == ["", "", ""]
    left = {key: value for key, value in json.loads(str(properties)).items() if value not in (None, [])}
    assert left == {"price": 5, "product_id": "P1"}
    kept = json.loads(str(context))
    assert (kept["ip"], kept["user_agent"], kept["device"]["id"], kept["device"]["type"]) == ("", "", "", "ios")
    assert (kept["page"]["url"], kept["page"]["search"]) == ("https://shop.example/a", "")
    assert kept["page"]["referrer"] == "https://b.example/"
    whole = str(rows)
    for trace in ("ida", "-7", '7"', "203.0.113", "=7"):
        assert trace not in whole, trace


def test_an_anonymous_event_sent_twice_is_one_event(tmp_path: Path) -> None:
    with Instance(tmp_path / "millrace") as instance:
        (instance.project_dir / "projects.yaml").write_text(
            "projects:\n" + "".join(f"  - {{id: {name}, name: N, consent: {{refused: anonymise}}}}\n" for name in "ab")
        )
        instance.up()
        lines = [canonical(project, "x", False, event_id="same") for project in ("a", "a", "b")]
        (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)))
        assert instance.json("load", str(tmp_path / "a.jsonl"))["accepted"] == 3
        assert instance.rows("SELECT count(), uniqExact(event_id) FROM raw.events WHERE project_id = 'a'") == [(2, 1)]
        assert instance.rows("SELECT uniqExact(event_id) FROM raw.events") == [(2,)]


def test_who_consents_later_is_stored_from_then_on(instance: Instance, tmp_path: Path) -> None:
    instance.up()
    for number, consent in enumerate((False, True, False, True)):
        path = tmp_path / f"{number}.jsonl"
        path.write_text(json.dumps(canonical("demo", str(number), consent)))
        assert instance.json("load", str(path))["accepted"] == int(consent)
    assert instance.rows("SELECT event_id FROM raw.events ORDER BY 1") == [("demo-1",), ("demo-3",)]
    assert instance.rows("SELECT sum(lines) FROM raw.events_withheld") == [(2,)]
    # The same piece once more, as after a crash: counted once.
    instance.client().command("TRUNCATE TABLE raw.loaded_files")
    for number in range(4):
        instance.json("load", str(tmp_path / f"{number}.jsonl"))
    assert instance.rows("SELECT sum(lines) FROM raw.events_withheld") == [(2,)]
    assert instance.rows("SELECT count() FROM raw.events") == [(2,)]
