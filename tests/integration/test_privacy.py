"""A strict project keeps nothing that says who somebody is: every text of every table is searched for it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import ipaddress
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from ingestion.privacy import masked_email, masked_email_sql, pseudonym, pseudonym_sql, salts
from tests.integration.test_addresses_in_texts import HIDDEN
from tests.support import Instance
from warehouse.projects import hash_write_key

KEYS = {"strict_a": "mk_zebra_key_a", "strict_b": "mk_zebra_key_b", "plain": "mk_zebra_key_open"}
EMAIL = "quirina.zabel@zorblatt.example"
# Found nowhere but in what these tests send.
NAMES = ("Quirina", "Zabelstein", "Zorblattgasse", "Wunderlichova")
PHONES = ("0171 5558123", "5558123")
ADDRESSES = ("203.0.113.177", "2001:db8:7777:1::abcd")
SECRETS = (*NAMES, *PHONES, *ADDRESSES, "zabel@", "zorblatt.example", "zabel%40", "zebra_key", "zorblatt-")

CONTEXT = {
    "ip": ADDRESSES[0],
    "userAgent": f"Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0.0.0 Safari/537.36 for {ADDRESSES[0]}",
    "page": {
        "url": f"https://shop.example/a?email={quote(EMAIL)}&first_name=Quirina&name=Zabelstein&ip={ADDRESSES[0]}",
        "referrer": f"https://mail.example/?to={quote(quote(EMAIL))}",
        "search": f"?email={quote(EMAIL)}",
        "title": f"Welcome {EMAIL.upper()}",
        "path": "/a",
    },
    "traits": {"name": "Quirina Zabelstein", "address": {"street": "Zorblattgasse 1", "lines": [["Zabelstein"]]}},
    "device": {
        "id": "zorblatt-device",
        "type": "ios",
        "name": "Quirinas phone",
        "advertisingId": "zorblatt-advertising",
    },
}
PROPERTIES: dict[str, Any] = {
    "price": 12.5,
    "product_name": "A lamp",
    "email": f" {EMAIL} ",
    "name": "Quirina Zabelstein",
    "firstName": "Quirina",
    "$last_name": "Zabelstein",
    "Full Name": 'Quirina "Q" Zabelstein',
    "billing-address": {"line": "Zorblattgasse 1", "more": [{"deep": {"er": "Zorblattgasse"}}]},
    "phoneNumber": "+49 0171 5558123",
    "mobile": 5558123,
    "birth_year": 1980,
    "client_ip": ADDRESSES[0],
    "login_from": ADDRESSES[1],
    "hops": [ADDRESSES[0], "a", f"[{ADDRESSES[1]}]:443"],
    "app_version": "1.2.3.4",
    "note": f"write to {EMAIL}, from {ADDRESSES[0]}\n{EMAIL.upper()} or \\{EMAIL}",
    "sender": {"name": "Quirina", "plan": "pro"},
    "shipping": {"name": "Quirina Zabelstein", "method": "express"},
    "ship_to": [{"name": "Quirina"}],
    "lead": {"name": "Wunderlichova", "employee": {"name": "Zabelstein"}},
    "card_holder_name": "Zabelstein",
    "cardholder": "Quirina Zabelstein",
    "author": "Quirina",
    "created_by": "Zabelstein",
    "recipient": ["Wunderlichova"],
    "contacts": [{"name": "Quirina"}],
    "billing_details": {"name": "Zabelstein"},
    "invited_by": {"name": "Wunderlichova"},
    "fname": "Quirina",
    "from_name": "Zabelstein",
    "postalAddress": "Zorblattgasse 1",
    "places": [text.replace("IP4", ADDRESSES[0]).replace("IP6", ADDRESSES[1]) for text in HIDDEN],
    ADDRESSES[0]: 1,
    "friends": [{"email": EMAIL, "nick_name": "Wunderlichova"}],
    "raw": json.dumps({"email": EMAIL, "last_name": 'Zabel"stein Zabelstein', "n": 1}),
    "jwt": base64.urlsafe_b64encode(json.dumps({"email": EMAIL, "name": "Quirina"}).encode()).decode(),
}


def canonical(project: str, number: int, **changes: Any) -> dict[str, Any]:
    return {
        "project_id": project, "event_id": f"{project}-{number}", "event": "thing_done", "user_id": EMAIL,
        "anonymous_id": "+49 0171 5558123", "session_id": EMAIL.upper(), "group_id": ADDRESSES[0],
        "timestamp": "2026-03-01T10:00:00.000Z", "properties": {**PROPERTIES, EMAIL: "as a key"}, "context": CONTEXT,
        "source": f"by {EMAIL}",
        "schema_version": EMAIL, **changes,
    }  # fmt: skip


def rejected(project: str) -> list[bytes]:
    """One line for each reason that can be given, and some that are hardly lines at all."""
    lines: list[dict[str, Any]] = [
        canonical(project, 0, properties={**PROPERTIES, "filler": "x" * 40_000}),
        canonical(project, 0, event=f"??? {EMAIL}"),
        canonical(project, 0, user_id=None, anonymous_id=None),
        canonical(project, 0, timestamp=f"when {EMAIL} came"),
        canonical(project, 0, timestamp="2199-01-01T00:00:00.000Z"),
        canonical(f"of {EMAIL}", 0),
        canonical(project, 0, properties={**PROPERTIES, **{f"p{n}": n for n in range(600)}}, context={}),
        canonical(project, 0, event="identify", message_type="identify", properties={**PROPERTIES, "plan": 5}),
        canonical(project, 0, properties={**PROPERTIES, "price": EMAIL}, write_key=KEYS[project]),
    ]
    whole = json.dumps(canonical(project, 0)).encode()
    escaped = "".join(f"\\u{ord(character):04x}" for character in EMAIL).encode()
    return [
        *(json.dumps(line).encode() for line in lines),
        whole[:-1],
        whole[: whole.index(b"Zabelstein") + 4],
        whole[: whole.index(b"Zorblattgasse 1") + 9],
        whole.replace(b'"price"', b'"price'),
        whole.replace(EMAIL.encode(), escaped)[:-1],
        json.dumps(canonical(project, 0), ensure_ascii=False).replace('"', "'").encode(),
        b"{first_name: Quirina Zabelstein, email: " + EMAIL.encode() + b"}",
        whole.replace(b"A lamp", b"\xff\xfe")[:-1],
        f"first_name=Quirina&last_name=Zabelstein&ip={ADDRESSES[0]}&email={quote(EMAIL)}".encode(),
        b"data=" + base64.b64encode(whole),
        b"Quirina Zabelstein was here",
        base64.b64encode(gzip.compress(whole)),
    ]


def segment(project: str) -> list[dict[str, Any]]:
    key = KEYS[project]
    common = {"writeKey": key, "userId": EMAIL, "anonymousId": "a1", "context": CONTEXT}
    common["timestamp"] = "2026-03-01T10:00:00.000Z"
    return [
        {**common, "type": "track", "event": "Thing Done", "properties": PROPERTIES, "messageId": "s1"},
        {**common, "type": "identify", "messageId": "s2", "traits": {**PROPERTIES, "plan": "pro"}},
        {**common, "type": "alias", "messageId": "s3", "userId": "u-new", "previousId": EMAIL.title()},
        {**common, "type": "track", "messageId": "s4", "properties": PROPERTIES},  # without its event
        {**common, "type": "track", "event": "x", "messageId": "s5", "writeKey": "mk_zebra_key_of_nobody"},
    ]


def posthog(project: str) -> list[dict[str, Any]]:
    properties = {**PROPERTIES, "$ip": ADDRESSES[0], "$set": {"name": "Quirina", "email": EMAIL}, "distinct_id": EMAIL}
    common = {"api_key": KEYS[project], "distinct_id": EMAIL, "timestamp": "2026-03-01T10:00:00.000Z"}
    return [
        {**common, "event": "thing done", "properties": properties, "uuid": "p1"},
        {**common, "event": "$identify", "properties": properties, "uuid": "p2"},
        {**common, "event": "", "properties": properties},
    ]


def recorded(project: str) -> list[bytes]:
    batch = json.dumps({"batch": segment(project)[:1], "writeKey": KEYS[project]}).encode()
    basic = f"Basic {base64.b64encode(f'{KEYS[project]}:'.encode()).decode()}"
    headers = {"Authorization": basic, "X-Forwarded-For": f"{ADDRESSES[0]}, 10.0.0.1", "User-Agent": "Mozilla/5.0"}
    path = f"/v1/batch?api_key={KEYS[project]}&email={quote(EMAIL)}"
    bodies = (batch, gzip.compress(batch), gzip.compress(batch)[:-20], b"\x00" + batch, b"lz" + batch[:-5])
    return [
        json.dumps(
            {"method": "POST", "path": path, "headers": headers, "body_b64": base64.b64encode(body).decode()}
        ).encode()
        for body in bodies
    ]


def send(instance: Instance, folder: Path, project: str) -> dict[str, Any]:
    folder.mkdir()
    good = canonical(project, 1)
    aliens = [{**good, "event_id": f"{project}-2", "event": "identify", "message_type": "identify"}]
    aliens[0]["properties"] = {**PROPERTIES, "plan": "pro"}
    (folder / "canonical.jsonl").write_bytes(
        b"\n".join([*(json.dumps(line).encode() for line in (good, *aliens)), *rejected(project)])
    )
    (folder / "segment.jsonl").write_text("\n".join(map(json.dumps, segment(project))))
    (folder / "posthog.jsonl").write_text("\n".join(map(json.dumps, posthog(project))))
    (folder / "requests.jsonl").write_bytes(b"\n".join(recorded(project)))
    return dict(instance.json("load", str(folder)))


def declare(instance: Instance, **projects: str) -> None:
    entries = [
        f"  - {{id: {name}, name: N, {options}, write_keys: ['{hash_write_key(KEYS[name])}']}}"
        for name, options in projects.items()
    ]
    (instance.project_dir / "projects.yaml").write_text("\n".join(["projects:", *entries]) + "\n")


def spellings(secret: str) -> set[str]:
    """Also as base64 at each of its three offsets, and with percent signs."""
    coded = {quote(secret), secret.replace(" ", "+")}
    for case in (secret, secret.lower(), secret.upper()):
        for offset in range(3):
            text = base64.b64encode(b"-" * offset + case.encode()).decode()
            if len(inner := text.rstrip("=")[(0, 2, 3)[offset] : -2]) >= 8:
                coded.add(inner)
    return {secret, *coded}


def found(instance: Instance) -> dict[str, list[str]]:
    """Tables in which something personal stands, and what it is."""
    client = instance.client()
    client.command("SYSTEM FLUSH LOGS")
    # Not in plain: the query would find itself in the log of queries.
    needles = {spelling.encode().hex(): secret for secret in SECRETS for spelling in spellings(secret)}
    listed = ", ".join(f"'{needle}'" for needle in needles)
    tables = instance.rows(
        "SELECT database, name FROM system.tables WHERE engine NOT LIKE '%View' AND engine != 'Null' AND "
        "(database != 'system' AND lower(database) != 'information_schema' OR name LIKE '%_log%')"
    )
    assert {"raw", "vault", "ops", "system"} <= {str(database) for database, _ in tables}
    places: dict[str, list[str]] = {}
    for database, table in tables:
        hits = instance.rows(
            f"SELECT DISTINCT arrayJoin(arrayFilter(needle -> position(text, lower(unhex(needle))) > 0, [{listed}])) "
            f"FROM (SELECT lower(formatRow('TSVRaw', *)) AS text FROM `{database}`.`{table}`)"
        )
        if hits:
            places[f"{database}.{table}"] = sorted({needles[str(hit)] for (hit,) in hits})
    for path in sorted(instance.data_dir.rglob("*")):
        if path.is_file() and not path.is_relative_to(instance.data_dir / "clickhouse"):
            content = path.read_bytes().lower()
            if hit := sorted({s for n, s in needles.items() if bytes.fromhex(n).lower() in content}):
                places[path.name] = hit
            assert not (path.suffix == ".piece" or "completed_jobs" in path.parts), f"lines are left in {path}"
    return places


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Instance, dict[str, Any]]]:
    """Two strict projects that were sent the same."""
    folder = tmp_path_factory.mktemp("strict")
    with Instance(folder / "millrace") as instance:
        declare(instance, strict_a="privacy: strict", strict_b="privacy: strict")
        instance.up()
        results = {project: send(instance, folder / project, project) for project in ("strict_a", "strict_b")}
        yield instance, results


def test_nothing_personal_is_anywhere(strict: tuple[Instance, dict[str, Any]]) -> None:
    instance, results = strict
    for project, result in results.items():
        assert result["received"] == result["accepted"] + sum(result["rejected"].values())
        assert result["accepted"] == 2 + 3 + 2 + 2, project
        assert len(result["rejected"]) == 9, "every reason of the contract but no_consent"
    assert found(instance) == {}


def test_the_search_finds_what_an_open_project_keeps(tmp_path: Path) -> None:
    with Instance(tmp_path / "millrace") as instance:
        declare(instance, plain="privacy: open")
        instance.up()
        send(instance, tmp_path / "plain", "plain")
        places = found(instance)
        missing = set(SECRETS) - {"zebra_key"} - set(places["raw.events"]) - set(places["raw.events_rejected"])
        assert missing == set()
        # Write keys are kept by no project, but inside of a body that nobody could open.
        keys = "SELECT count() FROM raw.events_rejected WHERE position(line, 'zebra_key') > 0"
        assert instance.rows(keys) == [(0,)]
        hashed = hash_write_key("mk_zebra_key_of_nobody")
        assert instance.rows(f"SELECT count() FROM raw.events_rejected WHERE position(line, '{hashed}') > 0") == [(1,)]
        basic = hash_write_key(KEYS["plain"])
        assert instance.rows(
            f"SELECT count() > 0 FROM raw.events_rejected WHERE JSONExtractString(line, 'headers', 'Authorization') = "
            f"'{basic}'"
        ) == [(True,)]


def test_one_person_is_the_same_everywhere_in_a_project_and_another_one_in_the_next(
    strict: tuple[Instance, dict[str, Any]],
) -> None:
    instance, _ = strict
    keys = salts(instance.client("loader"))
    assert set(keys) == {"", "strict_a", "strict_b"}
    assert len(set(keys.values())) == 3
    ids = {}
    for project in ("strict_a", "strict_b"):
        expected = masked_email(EMAIL, keys[project])
        rows = instance.rows(
            "SELECT user_id, session_id, properties.email, properties.previous_id FROM raw.events "
            f"WHERE project_id = '{project}'"
        )
        assert {row[0] for row in rows} == {expected, "u-new"}
        assert {row[1] for row in rows} - {"", expected} == set()
        assert {str(row[2]).strip() for row in rows if row[2]} == {expected}
        assert {row[3] for row in rows if row[3]} == {expected}
        ids[project] = expected
    assert ids["strict_a"] != ids["strict_b"]


def test_what_is_not_personal_stays(strict: tuple[Instance, dict[str, Any]]) -> None:
    instance, _ = strict
    (event,) = instance.rows(
        "SELECT toJSONString(properties), toJSONString(context) FROM raw.events WHERE event_id = 'strict_a-1'"
    )
    properties, context = map(json.loads, event)
    assert (properties["price"], properties["product_name"], properties["app_version"]) == (12.5, "A lamp", "1.2.3.4")
    assert properties["sender"] == {"plan": "pro"}
    assert properties["hops"] == ["", "a", ""]
    assert (context["device"]["type"], context["page"]["path"]) == ("ios", "/a")
    assert context["other"]["userAgent"] == CONTEXT["userAgent"].replace(ADDRESSES[0], "0.0.0.0")
    key = salts(instance.client())["strict_a"]
    assert context["device"]["id"] == pseudonym("zorblatt-device", key)
    assert masked_email(EMAIL, key) in context["page"]["url"]
    lines = instance.rows(
        "SELECT line FROM raw.events_rejected WHERE reason = 'bad_timestamp' AND project_id = 'strict_a'"
    )
    assert "Chrome/120.0.0.0" in lines[0][0]
    assert json.loads(lines[0][0])["properties"]["product_name"] == "A lamp"


def test_standard_truncates_addresses_in_rejected_lines_too(clickhouse: Instance, tmp_path: Path) -> None:
    line = canonical("demo", 0, timestamp="never", context={"ip": ADDRESSES[0]}, properties={"$ip": ADDRESSES[1]})
    (tmp_path / "standard.jsonl").write_text(json.dumps({**line, "session_id": "standard-test"}))
    clickhouse.json("load", str(tmp_path / "standard.jsonl"))
    (kept,) = clickhouse.rows("SELECT line FROM raw.events_rejected WHERE position(line, 'standard-test') > 0")
    assert json.loads(kept[0])["context"] == {"ip": "203.0.113.0"}
    assert json.loads(kept[0])["properties"] == {"$ip": "2001:db8:7777::"}
    assert json.loads(kept[0])["user_id"] == EMAIL


ADDRESSES_AS_SENT = {
    '{"ip": "203.0.113.77"}': "203.0.113.0",
    '{"ip":"203.0.113.77","ip":"203.0.113.77"}': "203.0.113.0",
    '{"device":{"ip":"203.0.113.77"},"ip":"203.0.113.77"}': "203.0.113.0",
    '{"locale":"\\"ip\\":\\"203.0.113.77\\"","ip":"203.0.113.77"}': "203.0.113.0",
    '{"ip":"2001:DB8:7777::1"}': "2001:db8:7777::",
    '{"ip":"203\\u002e0.113.77"}': "203.0.113.0",
    '{"ip":"not \\"an\\" address"}': "",
    '{"ip":""}': "",
    "{}": "",
}


def test_standard_truncates_addresses_however_they_are_written(clickhouse: Instance, tmp_path: Path) -> None:
    """As part of the line, where JSON is written anew on the way; and as a text, which comes as it is."""
    lines, expected = [], {}
    for number, (context, kept) in enumerate(ADDRESSES_AS_SENT.items()):
        for form, given in (("object", context), ("text", json.dumps(context))):
            line = canonical("demo", 0, event_id=f"address-{form}-{number}", user_id="u", context={})
            lines.append(json.dumps(line).replace('"context": {}', f'"context": {given}'))
            expected[line["event_id"]] = kept
    (tmp_path / "addresses.jsonl").write_text("\n".join(lines))
    assert clickhouse.json("load", str(tmp_path / "addresses.jsonl"))["accepted"] == len(lines)
    rows = "SELECT event_id, context.ip, toJSONString(context) FROM raw.events WHERE startsWith(event_id, 'address-')"
    stored = clickhouse.rows(rows)
    assert {event_id: ip for event_id, ip, _ in stored} == expected


def test_a_privacy_nobody_knows_is_strict(tmp_path: Path) -> None:
    with Instance(tmp_path / "millrace") as instance:
        declare(instance, plain="privacy: open")
        instance.up()
        instance.client().command("ALTER TABLE raw.projects UPDATE privacy = 'strikt' WHERE project_id = 'plain'")
        (tmp_path / "odd.jsonl").write_text(json.dumps(canonical("plain", 0, context={"ip": ADDRESSES[0]})))
        assert instance.json("load", str(tmp_path / "odd.jsonl"))["accepted"] == 1
        ((ip, user),) = instance.rows("SELECT context.ip, user_id FROM raw.events")
        key = salts(instance.client())["plain"]
        packed = ipaddress.ip_address(f"::ffff:{ADDRESSES[0]}").packed
        assert ip == hmac.new(key.encode(), packed, hashlib.sha256).hexdigest()[:32]
        assert user == masked_email(EMAIL, key)


def test_salts_are_made_once_and_stay(instance: Instance) -> None:
    instance.up()
    before = instance.rows("SELECT project_id, salt FROM vault.salts ORDER BY 1")
    assert [row[0] for row in before] == ["", "demo", "demo_mobile"]
    assert all(len(bytes.fromhex(str(salt))) == 32 for _, salt in before)
    assert len({salt for _, salt in before}) == 3
    assert instance.run("projects", "add", "shop").returncode == 0
    assert instance.run("migrate").returncode == 0
    after = instance.rows("SELECT project_id, salt FROM vault.salts ORDER BY 1")
    assert after[:3] == before
    assert [row[0] for row in after] == ["", "demo", "demo_mobile", "shop"]


def test_python_and_sql_make_the_same_pseudonyms(clickhouse: Instance) -> None:
    values = [
        "Jane@X.example", "  jane@x.example\t", "\u00a0JANE@x.example\u2003", "Ärger@Müller.example", "ΟΔΥΣΣΕΥΣ@x.gr",
        "İstanbul@x.tr", "ẞ", "", " ", "日本@例え.jp", "a'b\\c@x.example", "😀", "\u0130", "ﬀ", "Ǆ", "a\nb", "ΑΣ",
        *(chr(code) for code in range(1, 0x2000) if code not in (0x1C89,)),  # newer than Python's Unicode
    ]  # fmt: skip
    for salt in ("0" * 64, "f3"):
        rows = (
            clickhouse.client()
            .query(
                f"SELECT {pseudonym_sql('value', 'salt')}, {masked_email_sql('value', 'salt')} FROM "
                "(SELECT arrayJoin({values:Array(String)}) AS value, {salt:String} AS salt)",
                parameters={"values": values, "salt": salt},
            )
            .result_rows
        )
        assert [tuple(row) for row in rows] == [(pseudonym(v, salt), masked_email(v, salt)) for v in values]
    masked = masked_email("jane@x.example", "f3")
    assert masked_email(masked, "f3") == masked
    assert pseudonym("a", "1") != pseudonym("a", "2")
