"""Loading from object stores and URLs: the same files, the same exactness; a known file is not fetched again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from werkzeug.wrappers import Request

from tests.integration.loading import contents, event, loaded, stored, write_lines
from tests.support import Instance


@dataclass
class Store:
    """A server that speaks S3, with a bucket; `fetched` are the keys that were read from it."""

    url: str
    client: Any
    fetched: list[str] = field(default_factory=list)

    def put(self, key: str, path: Path) -> None:
        self.client.put_object(Bucket="events", Key=key, Body=path.read_bytes())


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    client = boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="key", aws_secret_access_key="secret"
    )
    client.create_bucket(Bucket="events")
    own = Store(url, client)
    application = server._server.app  # what answers: listened to, not changed

    def listening(environ: dict[str, Any], start: Any) -> Any:
        request = Request(environ)
        if request.method == "GET" and request.path.startswith("/events/") and len(request.path) > len("/events/"):
            own.fetched.append(request.path.removeprefix("/events/"))
        return application(environ, start)

    server._server.app = listening
    yield own
    server.stop()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory, store: Store) -> Iterator[Instance]:
    folder = tmp_path_factory.mktemp("remote")
    credentials = {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": store.url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "HOME": str(folder),  # no credentials of whoever runs the tests
    }
    with Instance(folder / "millrace", **credentials) as own:
        own.up()
        yield own


def test_a_folder_of_a_bucket_is_loaded_once_and_known_without_fetching_it(
    warehouse: Instance, store: Store, tmp_path: Path
) -> None:
    lines = write_lines(tmp_path / "a.jsonl", [event(n, "s3") for n in range(20)])
    zipped = write_lines(tmp_path / "b.jsonl.gz", [event(n, "s3") for n in range(20, 50)])
    (tmp_path / "c.csv").write_text(
        "event,event_id,user_id,timestamp,project_id\nx,s3-50,u,2026-03-01T10:00:00Z,demo\n"
    )
    for key in ("in/a.jsonl", "in/deeper/b.jsonl.gz", "in/c.csv", "in/.hidden"):
        store.put(key, {"a": lines, "b": zipped, "c": tmp_path / "c.csv"}.get(Path(key).name[0], lines))
    store.client.put_object(Bucket="events", Key="in/empty/", Body=b"")
    store.fetched.clear()
    result = loaded(warehouse, "s3://events/in/")
    assert (result["received"], result["accepted"]) == (51, 51)
    assert [file["path"] for file in result["files"]] == [
        "s3://events/in/a.jsonl",
        "s3://events/in/c.csv",
        "s3://events/in/deeper/b.jsonl.gz",
    ]
    assert set(store.fetched) == {"in/a.jsonl", "in/c.csv", "in/deeper/b.jsonl.gz"}
    assert warehouse.rows("SELECT DISTINCT source FROM raw.events WHERE event_id = 's3-30'") == [
        ("canonical:b.jsonl.gz",)
    ]
    assert not list(warehouse.data_dir.glob("loads/*/spool/*"))

    store.fetched.clear()
    again = loaded(warehouse, "s3://events/in/")
    assert (again["received"], len(again["loaded_before"]), store.fetched) == (0, 3, [])
    assert stored(warehouse, "s3") == (51, 51)


def test_one_file_by_its_url_and_what_changed_under_it_and_a_copy(
    warehouse: Instance, store: Store, tmp_path: Path
) -> None:
    path = write_lines(tmp_path / "one.jsonl", [event(n, "one") for n in range(5)])
    store.put("one.jsonl", path)
    store.put("copy.jsonl", path)
    assert loaded(warehouse, "s3://events/one.jsonl")["accepted"] == 5
    assert loaded(warehouse, "s3://events/copy.jsonl")["loaded_before"] == ["s3://events/copy.jsonl"]
    assert loaded(warehouse, path)["loaded_before"] == [str(path)]
    store.put("one.jsonl", write_lines(path, [event(n, "one") for n in range(5, 12)]))
    assert loaded(warehouse, "s3://events/one.jsonl")["accepted"] == 7
    assert stored(warehouse, "one") == (12, 12)


def test_a_dry_run_of_a_bucket_writes_nothing(warehouse: Instance, store: Store, tmp_path: Path) -> None:
    store.put("dry/x.jsonl", write_lines(tmp_path / "x.jsonl", [event(1, "dry"), event(2, "dry", event="")]))
    before = contents(warehouse)
    done = warehouse.run("load", "--dry-run", "s3://events/dry/x.jsonl", "--format", "json")
    assert (done.returncode, json.loads(done.stdout)["rejected"]) == (1, {"missing_event": 1})
    assert contents(warehouse) == before


def test_a_file_url_is_the_file(warehouse: Instance, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "with space.jsonl", [event(1, "url")])
    assert loaded(warehouse, path.as_uri())["files"][0]["path"] == str(path)


@pytest.mark.parametrize(
    ("url", "variables", "said"),
    [
        ("s3://events/nothing/", {}, "There is no file or folder s3://events/nothing/."),
        ("s3://nowhere/x", {}, "There is no file or folder s3://nowhere/x."),
        ("s3://events/in/", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "s3://events/in/ cannot be read:"),
        ("az://bucket/x", {}, "az://bucket/x: no credentials were found."),
        ("dropbox://bucket/x", {}, "dropbox://bucket/x cannot be read: a package is missing.\n  "),
        ("nosuch://bucket/x", {}, "nosuch"),
    ],
)
def test_what_cannot_be_read_is_said(warehouse: Instance, url: str, variables: dict[str, str], said: str) -> None:
    done = warehouse.run("load", url, **variables)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Unexpected" not in done.stderr
