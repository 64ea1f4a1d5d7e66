"""Superset's home and process, without Superset."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest

from bi.brand import brand
from bi.home import Home
from bi.service import Running, Service, _listening
from warehouse.errors import MillraceError
from warehouse.settings import Settings


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "bi")
    made.make()
    return made


def test_another_server_is_read_as_the_user_of_dashboards_alone(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Settings(clickhouse_url="https://clickhouse.example.com", clickhouse_user="everything")
    with pytest.raises(MillraceError, match="as the user bi, whose password is not set") as error:
        home.point_at_clickhouse(own)
    assert "MILLRACE_PASSWORD_BI" in error.value.hint
    monkeypatch.setenv("MILLRACE_PASSWORD_BI", "its own")
    home.point_at_clickhouse(Settings(clickhouse_url="https://clickhouse.example.com", clickhouse_user="everything"))
    assert json.loads(home.clickhouse_file.read_text())["user"] == "bi"
    assert mode(home.clickhouse_file) == 0o600


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_secrets_are_made_up_once_and_kept_private(home: Home) -> None:
    first = home.secrets()
    assert len(set(first.values())) == 3
    assert all(len(value) > 40 for value in first.values())
    assert home.secrets() == first
    assert (mode(home.secrets_file), mode(home.path)) == (0o600, 0o700)


def test_a_secret_that_somebody_chose_is_taken(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    first = home.secrets()
    monkeypatch.setenv("MILLRACE_SECRET_BI_ADMIN_PASSWORD", "chosen")
    assert home.secrets() == {**first, "admin_password": "chosen"}


def test_secrets_that_cannot_be_read_are_not_made_anew(home: Home) -> None:
    home.secrets_file.write_text("{")
    with pytest.raises(MillraceError, match="cannot be read"):
        home.secrets()


def service_of(home: Home, state: Running) -> Service:
    home.state_file.write_text(json.dumps(asdict(state)))
    return Service(Settings(), home)


def test_a_process_that_got_the_pid_later_is_not_superset(home: Home) -> None:
    own = psutil.Process(os.getpid())
    assert service_of(home, Running(own.pid, own.create_time(), 1)).running() is not None
    service = service_of(home, Running(own.pid, own.create_time() - 100, 1))
    assert service.running() is None
    assert not service.down()  # and nothing was ended: this test goes on
    assert not home.state_file.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}'])
def test_a_state_file_that_says_nothing_is_no_process(home: Home, text: str) -> None:
    home.state_file.write_text(text)
    assert Service(Settings(), home).running() is None


def test_a_port_that_is_taken_is_told() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(MillraceError, match=f"Port {port} on 127.0.0.1 is taken") as error:
            _listening(port)
    assert "MILLRACE_BI_PORT" in error.value.hint


def test_the_brand_is_tokens_of_the_theme_with_the_logo_inside(tmp_path: Path) -> None:
    logo = tmp_path / "logo.svg"
    logo.write_text("<svg/>")
    told = brand(Settings(bi_name="Shop", bi_colour="#0072B2", bi_logo=logo))
    assert told == {
        **{"brandAppName": "Shop", "brandLogoAlt": "Shop", "colorPrimary": "#0072B2", "colorLink": "#0072B2"},
        "brandLogoUrl": "data:image/svg+xml;base64,PHN2Zy8+",
    }
    assert brand(Settings()) == {"brandAppName": "Millrace", "brandLogoAlt": "Millrace"}


@pytest.mark.parametrize(("name", "size"), [("logo.html", 10), ("logo.png", 100_001), ("none.png", -1)])
def test_a_logo_that_is_none_is_refused(tmp_path: Path, name: str, size: int) -> None:
    if size >= 0:
        (tmp_path / name).write_bytes(b"x" * size)
    with pytest.raises(MillraceError, match="logo"):
        brand(Settings(bi_logo=tmp_path / name))
