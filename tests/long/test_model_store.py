"""Models in Postgres and an object store, as two settings say: the same store, and the same refusals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from ml.registry.store import Store
from ml.registry.training import predict, train
from tests.postgres import postgres
from tests.unit.ml.line import Line
from warehouse.errors import MillraceError
from warehouse.settings import Settings

DAY = date(2026, 6, 30)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="models")
    yield client
    server.stop()


def test_versions_are_in_postgres_and_files_in_a_bucket(bucket: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    with postgres() as database:
        settings = Settings(
            data_dir=tmp_path_factory.mktemp("models"), mlflow_store=database.url, mlflow_artifacts="s3://models/kept/"
        )
        store, line = Store(settings), Line([(0, 1), (1, 3)])
        assert train(store, line, "demo", DAY).promoted
        assert predict(store, line, "demo", DAY)[0].version == 1
        assert database.ask("SELECT name, version FROM model_versions") == "demo.line|1"
        assert not list(settings.data_dir.rglob("*.db"))

        keys = [one["Key"] for one in bucket.list_objects_v2(Bucket="models")["Contents"]]
        (model,) = [key for key in keys if key.endswith("model/model.bin")]
        assert all(key.startswith("kept/demo/line/") for key in keys)
        bucket.put_object(Bucket="models", Key=model, Body=b'{"slope": 9, "intercept": 9}')
        with pytest.raises(MillraceError, match="SHA-256 differs"):
            predict(store, line, "demo", DAY)
