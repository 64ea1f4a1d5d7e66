"""Marts have neither e-mail, nor name, nor address, whatever was sent and whatever raw may keep."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support import Instance

EMAILS = (
    "nested@secret.example",
    "contact@secret.example",
    "upper@secret.example",
    "text@secret.example",
    "path@secret.example",
    "title@secret.example",
    "campaign@secret.example",
    "message@secret.example",
    "listed@secret.example",
    "trait@secret.example",
)
OTHERS = ("203.0.113.77", "Hopperson", "Lovelacely", "+49 170 5550123", "Secret Street", "491705550123")
USER = "person@secret.example"


def event(number: int, name: str, **changes: Any) -> dict[str, Any]:
    base = {"project_id": "demo", "event_id": f"p{number}", "event": name, "user_id": USER, "anonymous_id": "a1"}
    return {**base, "timestamp": f"2026-03-01T12:00:{number:02}Z", **changes}


def lines() -> list[dict[str, Any]]:
    nested, contact, upper, text, path, title, campaign, message, listed, trait = EMAILS
    ip, last_name, name, phone, street, _ = OTHERS
    properties = {
        "user": {"email": nested, "name": name, "age": 7},
        "contact_email": contact,
        "Email": upper,
        "note": f"please write to {text}, soon",
        "ip": ip,
        "lastName": last_name,
        "phone": phone,
        "shipping": {"address": {"street": street}, "weight": 3},
        "people": [{"email": listed, "first_name": name, "phone": 491705550123, "role": "host"}],
        "colour": "blue",
        "amount": 12.0,
    }
    url = f"https://shop.example/unsubscribe/{path}?utm_source=mail&utm_medium=email&utm_content={campaign}"
    page = {"url": url, "path": f"/unsubscribe/{path}", "title": f"Bye {title}"}
    return [
        event(1, "my_custom", properties=properties, context={"page": page, "ip": ip}),
        event(2, "page_viewed", message_type="page", context={"page": page, "ip": ip}),
        event(
            3, "error_occurred", properties={"message": f"no mailbox {message}", "error_type": "network", "fatal": True}
        ),
        event(4, "identify", message_type="identify", properties={"email": trait, "name": name, "plan": "pro"}),
    ]


def test_nothing_personal_is_in_any_mart(instance: Instance, tmp_path: Path) -> None:
    instance.up()
    (tmp_path / "events.jsonl").write_text("\n".join(map(json.dumps, lines())))
    assert instance.json("load", str(tmp_path / "events.jsonl"))["accepted"] == 4
    built = instance.run("build")
    assert built.returncode == 0, built.stdout + built.stderr

    secrets = [*EMAILS, *(email.replace("@", "%40") for email in EMAILS), *OTHERS, USER, "secret.example"]
    columns = instance.rows(
        "SELECT table, groupArray(name) FROM system.columns WHERE database = 'marts' GROUP BY table ORDER BY table"
    )
    assert len(columns) > 30
    for table, names in columns:
        text = ", ".join(f"toString({name})" for name in names)
        found = instance.client().query(
            f"SELECT DISTINCT arrayFilter(secret -> position(concat('', {text}), secret) > 0, "
            f"{{secrets:Array(String)}}) FROM marts.{table}",
            parameters={"secrets": secrets},
        )
        assert [row[0] for row in found.result_rows if row[0]] == [], table

    # The rest is there, and one who has an address for an id is still one person.
    ((properties,),) = instance.rows("SELECT toJSONString(properties) FROM marts.fct_events WHERE event = 'my_custom'")
    assert json.loads(properties) | {"products": []} == {
        "user": {"age": 7},
        "note": "please write to (e-mail), soon",
        "shipping": {"weight": 3},
        "people": [{"role": "host"}],
        "products": [],
        "colour": "blue",
        "amount": 12,
    }
    ids = instance.rows("SELECT DISTINCT user_id, person_key FROM marts.fct_events")
    assert len(ids) == 1
    assert ids[0][0].startswith("id-")
    assert instance.rows("SELECT page_path FROM marts.fct_events WHERE event = 'page_viewed'") == [
        ("/unsubscribe/(e-mail)",)
    ]
    plan = f"SELECT plan FROM marts.dim_users WHERE is_current AND person_key = {ids[0][1]}"
    assert instance.rows(plan) == [("pro",)]
