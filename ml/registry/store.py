"""Runs, versions and champions in MLflow: SQLite and files in the data directory, or what the settings name.

What a model is, is bytes that its own `dump` made. They are kept with their SHA-256 in the run's tags, and nothing is
loaded that is not in the place of this store, of the run that made it, and what it was when it was kept. MLflow's own
flavours, which unpickle, are not used (docs/decisions/051)."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.registry.gate import Verdict
from ml.trainable import Candidate, Evaluation, Trainable
from warehouse.errors import MillraceError
from warehouse.locks import one_at_a_time
from warehouse.private_files import private_folder
from warehouse.settings import REPOSITORY, Settings, mask_url

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION, CHALLENGER = "champion", "challenger"
KEPT = "model/model.bin"
REFERENCE = "reference.json"  # what it saw and said when it was trained, for ml/drift
SHA256 = "millrace.sha256"
UNTIL, TRAINED_AT, COMMIT, DATA = (
    "millrace.until",
    "millrace.trained_at",
    "millrace.git_commit",
    "millrace.data_version",
)
WHAT, WHY = "millrace.model", "millrace.verdict"
# Of a registered model: the versions that were its champion, in their order. Rolling back takes the last one away.
CHAMPIONS = "millrace.champions"
REMEMBERED_CHAMPIONS = 50


@dataclass(frozen=True)
class Version:
    """One model that was trained and kept."""

    project: str
    model: str
    version: int
    role: str  # champion, challenger, or nothing
    trained_at: str
    until: str
    git_commit: str
    data_version: str
    verdict: str
    metrics: Mapping[str, float]
    run_id: str
    sha256: str

    @property
    def title(self) -> str:
        return f"{self.model} {self.version} of {self.project}"


class Store:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = settings.data_dir / "mlflow"

    @property
    def database(self) -> Path:
        """Where MLflow's books are, unless somewhere else is named."""
        return self.folder / "mlflow.db"

    @property
    def uri(self) -> str:
        given = self.settings.mlflow_store.get_secret_value()
        # SQLAlchemy would take another driver for Postgres than the one that comes with dagster-postgres.
        named = given.replace("postgresql://", "postgresql+psycopg2://", 1)
        return named or f"sqlite:///{self.database}"

    @property
    def artifacts(self) -> str:
        return (self.settings.mlflow_artifacts or str(self.folder / "artifacts")).rstrip("/")

    @cached_property
    def client(self) -> MlflowClient:
        # Read when mlflow is imported: it would tell its makers of each use, and show bars of its own.
        os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)
        private_folder(self.folder)
        try:
            client = MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)
            client.search_experiments(max_results=1)
        except (MlflowException, SQLAlchemyError) as error:
            raise MillraceError(
                f"The store of models cannot be opened: {_first_line(error)}",
                hint="MILLRACE_MLFLOW_STORE says where it is; unset, it is a file in the data directory.",
            ) from error
        return client

    @contextmanager
    def held(self) -> Iterator[None]:
        """One training, promotion or rollback of this machine at a time."""
        private_folder(self.folder)
        with one_at_a_time(self.folder / "lock"):
            yield

    def keep(
        self,
        project: str,
        trainable: Trainable,
        candidate: Candidate,
        kept: bytes,
        until: date,
        verdict: Verdict,
        reference: Mapping[str, Any] | None = None,
    ) -> Version:
        """The whole of a training as a run, and the model as a new version; it is nobody's champion yet."""
        name, client = _registered(project, trainable.name), self.client
        digest = hashlib.sha256(kept).hexdigest()
        run_id = self._begin(project, trainable.name, until)
        for key, value in ((SHA256, digest), (DATA, candidate.data_version), (WHY, "; ".join(verdict.reasons))):
            client.set_tag(run_id, key, value)
        for parameter, setting in candidate.parameters.items():
            client.log_param(run_id, parameter, setting)
        for metric, figure in _flat(candidate.evaluation).items():
            client.log_metric(run_id, metric, figure)
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            for path, content in _files(candidate, kept, reference).items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(content)
            client.log_artifacts(run_id, str(folder))
        client.set_terminated(run_id)
        if not client.search_registered_models(f"name = '{name}'"):
            client.create_registered_model(name, description=trainable.title)
        source = f"{client.get_run(run_id).info.artifact_uri}/{KEPT}"
        made = client.create_model_version(name, source, run_id, description=candidate.card)
        return self.version(project, trainable.name, int(made.version))

    def keep_failure(self, project: str, model: str, until: date, reason: str) -> None:
        run_id = self._begin(project, model, until)
        self.client.set_tag(run_id, WHY, reason)
        self.client.set_terminated(run_id, status="FAILED")

    def versions(self, project: str, model: str) -> list[Version]:
        """The newest first."""
        found = self.client.search_model_versions(f"name = '{_registered(project, model)}'", max_results=1000)
        roles = self._roles(project, model)
        return sorted((self._told(one, roles) for one in found), key=lambda one: -one.version)

    def version(self, project: str, model: str, number: int) -> Version:
        from mlflow.exceptions import MlflowException

        try:
            found = self.client.get_model_version(_registered(project, model), str(number))
        except MlflowException as error:
            raise MillraceError(
                f"There is no version {number} of {model} for {project}.",
                hint=f"`millrace models {model} --project {project}` lists those that there are.",
            ) from error
        return self._told(found, self._roles(project, model))

    def champion(self, project: str, model: str) -> Version | None:
        number = next((one for one, role in self._roles(project, model).items() if role == CHAMPION), None)
        return self.version(project, model, number) if number else None

    def must_have_champion(self, project: str, model: str) -> Version:
        champion = self.champion(project, model)
        if champion is None:
            raise MillraceError(
                f"There is no champion of {model} for {project}.",
                hint=f"`millrace train {model}` trains one; `millrace models {model}` says why none has passed.",
            )
        return champion

    def load(self, trainable: Trainable, version: Version) -> Any:
        """The model itself, where it is the one that was kept."""
        from mlflow.exceptions import MlflowException

        run = self.client.get_run(version.run_id)
        place, source = run.info.artifact_uri, self._source(version)
        ours = f"{self.artifacts}/{version.project}/{version.model}/"
        if not place.startswith(ours) or source != f"{place}/{KEPT}" or ".." in place:
            raise MillraceError(
                f"{version.title} is refused: it lies at {source}, and not where this store keeps its models.",
                hint=f"Take another: `millrace rollback {version.model}`, or train anew.",
            )
        if run.data.tags.get(WHAT) != _registered(version.project, version.model):
            raise MillraceError(f"{version.title} is refused: its run trained {run.data.tags.get(WHAT)}.")
        with tempfile.TemporaryDirectory() as temporary:
            try:
                kept = Path(self.client.download_artifacts(version.run_id, KEPT, temporary)).read_bytes()
            except (MlflowException, OSError) as error:
                raise MillraceError(f"{version.title} cannot be read: {_first_line(error)}") from error
        if not version.sha256 or hashlib.sha256(kept).hexdigest() != version.sha256:
            raise MillraceError(
                f"{version.title} is refused: its file is not the one that was kept (SHA-256 differs).",
                hint=f"Take another: `millrace rollback {version.model}`, or train anew.",
            )
        return trainable.load(kept)

    def reference(self, version: Version) -> Mapping[str, Any] | None:
        if not any(file.path == REFERENCE for file in self.client.list_artifacts(version.run_id)):
            return None
        with tempfile.TemporaryDirectory() as temporary:
            text = Path(self.client.download_artifacts(version.run_id, REFERENCE, temporary)).read_text()
        found: Mapping[str, Any] = json.loads(text)
        return found

    def promote(self, version: Version) -> None:
        name, champions = _registered(version.project, version.model), self._champions(version.project, version.model)
        if version.role == CHALLENGER:
            self.client.delete_registered_model_alias(name, CHALLENGER)
        # Once each: else the champion before the champion would be itself.
        self._crown(name, [*(one for one in champions if one != version.version), version.version])

    def challenge(self, version: Version) -> None:
        self.client.set_registered_model_alias(
            _registered(version.project, version.model), CHALLENGER, str(version.version)
        )

    def rollback(self, project: str, model: str) -> Version:
        """To the champion before this one."""
        champions = self._champions(project, model)
        if len(champions) < 2:
            raise MillraceError(
                f"{model} of {project} has no champion before this one.",
                hint=f"`millrace promote {model} VERSION` takes any version that was kept.",
            )
        self._crown(_registered(project, model), champions[:-1])
        return self.must_have_champion(project, model)

    def _crown(self, name: str, champions: list[int]) -> None:
        self.client.set_registered_model_tag(name, CHAMPIONS, json.dumps(champions[-REMEMBERED_CHAMPIONS:]))
        self.client.set_registered_model_alias(name, CHAMPION, str(champions[-1]))

    def _champions(self, project: str, model: str) -> list[int]:
        tags = (
            self.client.get_registered_model(_registered(project, model)).tags if self._is_known(project, model) else {}
        )
        champions: list[int] = json.loads(tags.get(CHAMPIONS, "[]"))
        return champions

    def _is_known(self, project: str, model: str) -> bool:
        return bool(self.client.search_registered_models(f"name = '{_registered(project, model)}'"))

    def _roles(self, project: str, model: str) -> dict[int, str]:
        if not self._is_known(project, model):
            return {}
        aliases = self.client.get_registered_model(_registered(project, model)).aliases
        return {int(number): role for role, number in aliases.items()}

    def _source(self, version: Version) -> str:
        found = self.client.get_model_version(_registered(version.project, version.model), str(version.version))
        return str(found.source)

    def _begin(self, project: str, model: str, until: date) -> str:
        name = _registered(project, model)
        experiment = self.client.get_experiment_by_name(name)
        where = f"{self.artifacts}/{project}/{model}"
        number = experiment.experiment_id if experiment else self.client.create_experiment(name, where)
        run = self.client.create_run(
            number,
            tags={
                WHAT: name,
                UNTIL: until.isoformat(),
                TRAINED_AT: datetime.now(UTC).isoformat(timespec="seconds"),
                COMMIT: git_commit(),
            },
        )
        return str(run.info.run_id)

    def _told(self, found: Any, roles: Mapping[int, str]) -> Version:
        run, (project, _, model) = self.client.get_run(found.run_id), found.name.partition(".")
        tags = run.data.tags
        return Version(
            project=project,
            model=model,
            version=int(found.version),
            role=roles.get(int(found.version), ""),
            trained_at=tags.get(TRAINED_AT, ""),
            until=tags.get(UNTIL, ""),
            git_commit=tags.get(COMMIT, ""),
            data_version=tags.get(DATA, ""),
            verdict=tags.get(WHY, ""),
            metrics=run.data.metrics,
            run_id=found.run_id,
            sha256=tags.get(SHA256, ""),
        )


def git_commit() -> str:
    """Of the code that runs, `-dirty` where something of it is not committed; empty outside of a repository."""
    done = subprocess.run(
        ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def _registered(project: str, model: str) -> str:
    return f"{project}.{model}"


def _flat(evaluation: Evaluation) -> dict[str, float]:
    """The figures that MLflow shows and compares; those of segments are in evaluation.json."""
    return {
        **evaluation.metrics,
        **{
            f"baseline.{name}.{metric}": figure
            for name, metrics in evaluation.baselines.items()
            for metric, figure in metrics.items()
        },
    }


def _files(candidate: Candidate, kept: bytes, reference: Mapping[str, Any] | None) -> dict[str, bytes]:
    return {
        **({REFERENCE: json.dumps(reference).encode()} if reference else {}),
        KEPT: kept,
        "card.md": candidate.card.encode(),
        "evaluation.json": json.dumps(asdict(candidate.evaluation), indent=2, default=str).encode(),
        **{f"plots/{name}": content for name, content in candidate.plots.items()},
    }


def _first_line(error: BaseException) -> str:
    return mask_url(str(error).strip().splitlines()[0][:300])
