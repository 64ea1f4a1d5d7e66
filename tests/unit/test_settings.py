"""Where settings come from, and what is said of a wrong one."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.support import REPOSITORY, Instance
from warehouse.access.model import load_access
from warehouse.access.passwords import ensure_passwords
from warehouse.errors import MillraceError
from warehouse.projects import load_projects
from warehouse.settings import MASK, load_settings
from warehouse.settings_shown import effective_values, env_example, unknown_variables


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "settings.env"
    path.write_text("")
    monkeypatch.setenv("MILLRACE_ENV_FILE", str(path))
    monkeypatch.setenv("MILLRACE_DATA_DIR", str(tmp_path / "data"))
    return path


def sources() -> dict[str, tuple[str, str]]:
    return {v.variable: (v.value, v.source) for v in effective_values(load_settings())}


def test_environment_beats_env_file_beats_default(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().http_port == 8123
    assert sources()["MILLRACE_HTTP_PORT"] == ("8123", "default")
    env_file.write_text("MILLRACE_HTTP_PORT=18123\nMILLRACE_TCP_PORT=19000\n")
    monkeypatch.setenv("MILLRACE_TCP_PORT", "29000")
    assert (load_settings().http_port, load_settings().tcp_port) == (18123, 29000)
    assert sources()["MILLRACE_HTTP_PORT"] == ("18123", "settings.env")
    assert sources()["MILLRACE_TCP_PORT"] == ("29000", "environment")


def test_passwords_come_from_the_same_places_and_are_masked(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env_file.write_text("MILLRACE_PASSWORD_ANALYST=from-file\nMILLRACE_PASSWORD_BI=from-file\n")
    monkeypatch.setenv("MILLRACE_PASSWORD_BI", "from-environment")
    monkeypatch.setenv("MILLRACE_CLICKHOUSE_PASSWORD", "secret")
    settings = load_settings()
    assert {user: value.get_secret_value() for user, value in settings.passwords.items()} == {
        "analyst": "from-file",
        "bi": "from-environment",
    }
    assert sources()["MILLRACE_PASSWORD_ANALYST"] == (MASK, "settings.env")
    assert sources()["MILLRACE_PASSWORD_BI"] == (MASK, "environment")
    assert sources()["MILLRACE_CLICKHOUSE_PASSWORD"] == (MASK, "environment")
    assert "secret" not in repr(settings)


def test_a_password_in_the_url_is_masked_everywhere(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_CLICKHOUSE_URL", "https://anna:geheim@host:8443")
    assert sources()["MILLRACE_CLICKHOUSE_URL"][0] == f"https://anna:{MASK}@host:8443"
    assert "geheim" not in repr(load_settings())


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("MILLRACE_HTTP_PORT", "99999", "MILLRACE_HTTP_PORT input should be less than or equal to 65535"),
        ("MILLRACE_TCP_PORT", "many", "MILLRACE_TCP_PORT input should be a valid integer"),
        ("MILLRACE_MEMORY", "1", "MILLRACE_MEMORY must be at least 512.0MiB"),
        ("MILLRACE_MEMORY", "much", "MILLRACE_MEMORY could not parse value and unit"),
        (
            "MILLRACE_ACCEPT_UNKNOWN_PROJECTS",
            "perhaps",
            "MILLRACE_ACCEPT_UNKNOWN_PROJECTS input should be a valid boolean",
        ),
        ("MILLRACE_CLUSTER", "a b; DROP", "MILLRACE_CLUSTER must be a cluster's name"),
        ("MILLRACE_CLICKHOUSE_URL", "https://anna:geheim@:x", "MILLRACE_CLICKHOUSE_URL"),
        ("MILLRACE_CLICKHOUSE_URL", "https://anna:geh/geheim@host:8443", "MILLRACE_CLICKHOUSE_URL"),
        ("MILLRACE_CLICKHOUSE_URL", "ftp://anna:#geheim@host", "MILLRACE_CLICKHOUSE_URL"),
        ("MILLRACE_HTTP_PORT", "9000", "MILLRACE_HTTP_PORT and MILLRACE_TCP_PORT are both 9000"),
    ],
)
def test_a_wrong_value_is_named_and_not_repeated_where_it_may_be_secret(
    env_file: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(MillraceError) as error:
        load_settings()
    assert error.value.message.startswith(said)
    assert "geheim" not in error.value.message


def test_a_misspelt_variable_is_reported_with_the_nearest(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_HTP_PORT", "1")
    env_file.write_text("MILLRACE_PASSWORD_SOMEBODY=x\n")
    assert unknown_variables() == [
        "MILLRACE_HTP_PORT (environment) is not a setting; did you mean 'MILLRACE_HTTP_PORT' or 'MILLRACE_TCP_PORT'?"
    ]


def test_an_env_file_that_does_not_exist_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_ENV_FILE", "/nowhere/settings.env")
    with pytest.raises(MillraceError, match=r"/nowhere/settings\.env, which is not a file"):
        load_settings()


def test_an_empty_memory_is_the_default(env_file: Path) -> None:
    env_file.write_text("MILLRACE_MEMORY=\n")
    assert load_settings().memory is None


def test_relative_directories_are_of_the_repository(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_DATA_DIR", "elsewhere")
    assert load_settings().data_dir == REPOSITORY / "elsewhere"


def test_env_example_is_true() -> None:
    """`make docs` writes it."""
    assert (REPOSITORY / ".env.example").read_text() == env_example()


def test_every_line_of_env_example_gives_the_default(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MILLRACE_DATA_DIR")
    before = load_settings()
    lines = [line.removeprefix("#") for line in env_example().splitlines() if line.startswith("#MILLRACE_")]
    assert len(lines) > 10
    env_file.write_text("\n".join(lines))
    assert load_settings() == before
    assert unknown_variables() == []


def test_missing_passwords_are_made_once_for_the_owner_only(instance: Instance) -> None:
    instance.data_dir.mkdir()
    with instance.active() as settings:
        access = load_access(settings, load_projects(settings))
        first = ensure_passwords(settings, access)
        again = ensure_passwords(load_settings(), access)
        assert {u: p.get_secret_value() for u, p in first.items()} == {
            u: p.get_secret_value() for u, p in again.items()
        }
        assert set(first) == set(access.users)
        assert len({p.get_secret_value() for p in first.values()}) == len(access.users)
        assert stat.S_IMODE(settings.secrets_file.stat().st_mode) == 0o600
        assert settings.secrets_file.read_text().count("ADMIN") == 1
