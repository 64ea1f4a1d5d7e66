"""All that is forecast, once: read, learned, told, written. What cannot be forecast says why and keeps its last one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from ml.forecast.declared import chosen, read_forecasts
from ml.forecast.forecasting import learn, look_ahead
from ml.forecast.reading import Subject, read_metric, read_storage
from ml.forecast.series import Unusable
from ml.forecast.store import Told, write_forecasts
from semantic_layer.metrics.catalogue import load_catalogue
from semantic_layer.reader import Reader
from warehouse.errors import MillraceError, WrongUsage, nearest
from warehouse.settings import Settings

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Run:
    told: list[Told]
    left_out: list[str]  # sentences


def run(
    settings: Settings,
    project: str | None = None,
    metrics: Sequence[str] = (),
    until: date | None = None,
    tell: Tell = lambda _: None,
) -> Run:
    """Of these metrics, else of all that are forecast and of the warehouse's size."""
    done = _run(settings, subjects(settings, project, metrics, until), tell)
    if done.left_out and not done.told:
        raise MillraceError(
            f"Nothing can be forecast: {done.left_out[0]}", hint="Forecasts of before stay as they are."
        )
    return done


def run_capacity(settings: Settings) -> Run:
    """Of the warehouse's size alone. One of a few weeks has too little history, which is no failure."""
    return _run(settings, read_storage(settings))


def _run(settings: Settings, all_subjects: Iterable[Subject], tell: Tell = lambda _: None) -> Run:
    told: list[Told] = []
    unusable: dict[str, list[str]] = {}
    for subject in all_subjects:
        tell(str(subject))
        try:
            told.append(forecast(subject))
        except Unusable as why:
            unusable.setdefault(str(why), []).append(str(subject))
    write_forecasts(settings, told)
    return Run(told, [f"{', '.join(named)}: {why}." for why, named in unusable.items()])


def subjects(
    settings: Settings, project: str | None, metrics: Sequence[str], until: date | None = None
) -> Iterator[Subject]:
    catalogue, reader = load_catalogue(settings), Reader(settings)
    if project and project not in catalogue.projects:
        raise WrongUsage(f"There is no project {project!r}{nearest(project, catalogue.projects) or '.'}")
    for one in chosen(read_forecasts(settings, catalogue), metrics):
        for name in [project] if project else catalogue.projects:
            subject = read_metric(settings, catalogue, one, name, reader, until)
            if subject is not None:
                yield subject
    if not metrics and not project:
        yield from read_storage(settings, until)


def forecast(subject: Subject) -> Told:
    learned = learn(subject.series, subject.methods, subject.horizon)
    ahead = look_ahead(subject.series, learned, subject.horizon)
    return Told(subject, learned, ahead)
