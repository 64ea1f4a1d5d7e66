"""The example of a page that shows a dashboard: what it hands out, and whose pages may show one."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from bi.embedding import Embedded, example
from warehouse.settings import Settings

SUPERSET = "http://127.0.0.1:8088"


@pytest.fixture
def page() -> Iterator[str]:
    tokens = iter(("first", "second"))
    with example(SUPERSET, Embedded("0c5b", "Executive"), "demo", lambda: next(tokens), 0) as server:
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.05), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_the_page_frames_the_dashboard_and_nothing_else(page: str) -> None:
    with urllib.request.urlopen(f"{page}/") as reply:
        assert f'src="{SUPERSET}/embedded/0c5b?native_filters=' in reply.read().decode()
        policy = reply.headers["Content-Security-Policy"]
    assert policy.endswith(f"frame-src {SUPERSET}") and policy.startswith("default-src 'none'")


def test_each_token_is_a_new_one_and_kept_by_nobody(page: str) -> None:
    told = []
    for _ in range(2):
        with urllib.request.urlopen(f"{page}/token") as reply:
            told.append(json.load(reply)["token"])
            assert reply.headers["Cache-Control"] == "no-store"
    assert told == ["first", "second"]


def test_there_is_nothing_else(page: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{page}/secrets.json")


def test_origins_are_told_apart_by_commas() -> None:
    assert Settings(bi_origins="https://a.example.com, http://127.0.0.1:8090").bi_origins_listed == [
        *("https://a.example.com", "http://127.0.0.1:8090")
    ]


@pytest.mark.parametrize(
    "text", ["a.example.com", "https://a.example.com/path", "https://a.example.com; script-src *", "*"]
)
def test_what_is_no_origin_gets_into_no_header(text: str) -> None:
    with pytest.raises(ValidationError, match="has no origin"):
        Settings(bi_origins=text)
