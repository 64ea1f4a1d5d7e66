"""Runs, versions, champions and refusals, in a real MLflow store in a folder of the test's own."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ml.registry.moving import moved
from ml.registry.store import KEPT, Store, git_commit
from ml.registry.training import predict, promote, rollback, train
from ml.trainable import Evaluation
from tests.unit.ml.line import Line
from warehouse.errors import MillraceError
from warehouse.settings import Settings

DAY = date(2026, 6, 30)
GOOD, BETTER, BEST = [(0, 1), (1, 3.2)], [(0, 0.5), (1, 2.5)], [(0, 0), (1, 2)]  # the newest points are of y = 2x
BAD = [(0, 0), (1, 9)]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(Settings(data_dir=tmp_path_factory.mktemp("models")))
    assert store.versions("demo", "line") == []
    return store


@pytest.fixture
def project(request: pytest.FixtureRequest) -> str:
    return str(request.node.name).partition("[")[0]


def kept_file(store: Store, run_id: str) -> Path:
    return Path(store.client.get_run(run_id).info.artifact_uri) / KEPT


def test_a_training_is_kept_whole(shared: Store, project: str) -> None:
    version = train(shared, Line(GOOD), project, DAY).version
    run = shared.client.get_run(version.run_id)
    assert run.data.params == {"points": "2"}
    assert run.data.metrics == {"error": pytest.approx(3.1), "baseline.zero.error": 21.0}
    assert (version.until, version.git_commit) == ("2026-06-30", git_commit())
    assert len(git_commit()) >= 40
    assert version.data_version == str(hash(tuple(GOOD)))
    files = kept_file(shared, version.run_id).parent.parent
    assert (files / "card.md").read_text().startswith("# A straight line")
    assert (files / "plots" / "line.png").read_bytes() == b"\x89PNG"
    assert {path.name for path in files.rglob("*") if path.is_file()} == {
        *("model.bin", "card.md", "evaluation.json", "line.png")
    }


def test_what_is_better_becomes_champion_and_what_is_not_a_challenger(shared: Store, project: str) -> None:
    assert [train(shared, Line(points), project, DAY).promoted for points in (GOOD, BETTER, GOOD, BEST)] == [
        *(True, True, False, True)
    ]
    roles = {one.version: one.role for one in shared.versions(project, "line")}
    assert roles == {4: "champion", 3: "challenger", 2: "", 1: ""}
    assert "no better than the champion's 0.5" in shared.version(project, "line", 3).verdict


def test_a_bad_first_model_is_no_champion_and_nothing_is_predicted(shared: Store, project: str) -> None:
    line = Line(BAD)
    assert not train(shared, line, project, DAY).promoted
    with pytest.raises(MillraceError, match="no champion of line"):
        predict(shared, line, project, DAY)
    assert line.written == []


def test_the_same_data_change_nothing(shared: Store, project: str) -> None:
    train(shared, Line(GOOD), project, DAY)
    again = train(shared, Line(GOOD), project, DAY)
    assert not again.promoted
    assert again.version.sha256 == shared.version(project, "line", 1).sha256


def test_a_champion_is_judged_on_the_days_of_the_candidate(shared: Store, project: str) -> None:
    """The world has turned: what was perfect is wrong today, and what is less so takes its place."""
    train(shared, Line(BEST), project, DAY)
    turned = Line([(0, 1), (1, 0)], newest=((1, 1), (2, 0)))
    assert train(shared, turned, project, DAY).promoted


class Away(Line):
    """The warehouse does not answer when the champion is judged."""

    def evaluate(self, settings: Settings, project: str, model: Any, until: date) -> Evaluation:
        if model["slope"] != 2:
            raise MillraceError("ClickHouse cannot be reached.") from ConnectionRefusedError("refused")
        return super().evaluate(settings, project, model, until)


def test_where_the_champion_cannot_be_judged_now_it_stays(shared: Store, project: str) -> None:
    train(shared, Line(GOOD), project, DAY)
    with pytest.raises(MillraceError, match=r"could not be judged: ClickHouse cannot be reached\. Version 1 stays"):
        train(shared, Away(BEST), project, DAY)
    champion = shared.champion(project, "line")
    assert champion is not None and champion.version == 1


def test_a_champion_that_is_promoted_again_is_not_the_one_before_itself(shared: Store, project: str) -> None:
    line = Line(GOOD)
    for points in (GOOD, BETTER):
        train(shared, Line(points), project, DAY)
    assert promote(shared, line, project, 2).version == 2
    assert rollback(shared, line, project).version == 1


def test_one_command_leads_back_and_another_forth(shared: Store, project: str) -> None:
    line = Line(GOOD)
    for points in (GOOD, BETTER, BEST):
        train(shared, Line(points), project, DAY)
    assert rollback(shared, line, project).version == 2
    assert predict(shared, line, project, DAY)[0].version == 2
    assert line.written == [("2", DAY)]
    assert rollback(shared, line, project).version == 1
    with pytest.raises(MillraceError, match="no champion before this one"):
        rollback(shared, line, project)
    assert promote(shared, line, project, 3).role == "champion"
    assert rollback(shared, line, project).version == 1
    with pytest.raises(MillraceError, match="no version 9 of line"):
        promote(shared, line, project, 9)


class Broken(Line):
    def dump(self, model: object) -> bytes:
        return b"{"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (Line([(0, 1)]), "A line needs two points, there is one. Version 1 stays the champion."),
        (Line([(1, 1), (1, 2)]), "ZeroDivisionError"),
        (Broken(BEST), "JSONDecodeError"),
    ],
)
def test_a_training_that_fails_is_told_and_kept_and_the_champion_stays(
    shared: Store, project: str, line: Line, says: str
) -> None:
    if not shared.versions(project, "line"):
        train(shared, Line(GOOD), project, DAY)
    with pytest.raises(MillraceError, match=f"line of {project} was not trained") as raised:
        train(shared, line, project, DAY)
    assert says in raised.value.message
    champion = shared.champion(project, "line")
    assert champion is not None
    assert champion.version == 1
    experiment = shared.client.get_experiment_by_name(f"{project}.line")
    assert experiment is not None
    failed = shared.client.search_runs([experiment.experiment_id], "attributes.status = 'FAILED'", max_results=1)
    assert failed[0].data.tags["millrace.verdict"] in raised.value.message + "."


@pytest.fixture
def store(shared: Store, tmp_path: Path) -> Iterator[tuple[Store, Path]]:
    """One to spoil, with a champion in it."""
    (tmp_path / "mlflow").mkdir()
    shutil.copy(shared.folder / "mlflow.db", tmp_path / "mlflow")  # to make one takes seconds
    own = Store(Settings(data_dir=tmp_path))
    version = train(own, Line(GOOD), "demo", DAY).version
    yield own, kept_file(own, version.run_id)


def test_what_is_not_as_it_was_kept_is_refused(store: tuple[Store, Path], tmp_path: Path) -> None:
    own, file = store
    genuine = file.read_bytes()

    file.write_bytes(genuine.replace(b"slope", b"Slope"))
    with pytest.raises(MillraceError, match=r"SHA-256 differs"):
        predict(own, Line(GOOD), "demo", DAY)
    file.unlink()
    with pytest.raises(MillraceError, match="line 1 of demo cannot be read"):
        predict(own, Line(GOOD), "demo", DAY)
    file.write_bytes(genuine)
    assert predict(own, Line(GOOD), "demo", DAY)[0].version == 1

    elsewhere = tmp_path / "elsewhere" / "model"
    elsewhere.mkdir(parents=True)
    (elsewhere / "model.bin").write_bytes(genuine)  # the right bytes in a place that anybody may write to
    with closing(sqlite3.connect(own.folder / "mlflow.db")) as database, database:
        database.execute("UPDATE runs SET artifact_uri = ?", (str(elsewhere.parent),))
    with pytest.raises(MillraceError, match="not where this store keeps its models"):
        predict(own, Line(GOOD), "demo", DAY)
    # Nor does such a champion keep a new one out.
    trained = train(own, Line(BETTER), "demo", DAY)
    assert "could not be judged" in trained.remark
    assert trained.promoted


def test_a_version_that_points_to_another_models_run_is_refused(store: tuple[Store, Path]) -> None:
    own, file = store
    other = train(own, Line(BEST, name="other"), "demo", DAY).version
    own.client.create_model_version("demo.line", str(file), other.run_id)
    with pytest.raises(MillraceError, match="line 2 of demo is refused"):
        promote(own, Line(GOOD), "demo", 2)


def test_a_store_that_does_not_answer_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_bytes(b"no database at all" * 100)
    own = Store(Settings(data_dir=tmp_path, mlflow_store=f"sqlite:///{tmp_path}/broken.db"))
    with pytest.raises(MillraceError, match="store of models cannot be opened"):
        own.versions("demo", "line")


def test_models_of_a_restored_store_are_where_they_are_now(store: tuple[Store, Path], tmp_path: Path) -> None:
    earlier, _ = store
    before = predict(earlier, Line(GOOD), "demo", DAY)
    shutil.copytree(earlier.folder, tmp_path / "elsewhere" / "mlflow")
    shutil.rmtree(earlier.folder / "artifacts")
    settings = Settings(data_dir=tmp_path / "elsewhere")
    moved(settings, str(earlier.settings.data_dir))
    assert predict(Store(settings), Line(GOOD), "demo", DAY) == before
