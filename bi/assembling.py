"""From what is declared, by dbt and in dashboards/*.yaml, to datasets, charts and dashboards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from bi import charts
from bi.charts import Asked
from bi.datasets import is_shown, is_time, label_of, semantic_datasets
from bi.declared import ChartDeclaration, DatasetDeclaration, Declarations, DeclaredDashboard, RowDeclaration
from bi.declared_things import EXPERIMENT, FORECAST, FUNNEL, KINDS, RETENTION, WATCHED, Declared, declared_things
from bi.filters import PROJECTS, Selection, filters_of, ordered
from bi.metrics import SemanticManifest
from bi.model import Bundle, Catalogue, Chart, Column, Dashboard, Dataset, Measure, Row, Section, Tile
from semantic_layer.metrics.extensions import meta_of
from warehouse.errors import MillraceError, WrongUsage, nearest

HEIGHTS = {"kpi": 28, "number": 20, FUNNEL: 48, RETENTION: 60, EXPERIMENT: 28}
USUAL_HEIGHT = 44
TYPES = {"text": "String", "number": "Float64", "time": "DateTime", "flag": "Bool"}
CHARACTERS = 170  # in a line of text
OLDEST_AGE = 12  # periods that a heat map of retention shows


@dataclass(frozen=True)
class Known:
    """What charts are made of."""

    semantic: SemanticManifest
    catalogue: Catalogue
    things: Mapping[tuple[str, str], Declared]  # by kind and name
    last_day: date  # the last one with data


def assemble(
    declarations: Declarations,
    semantic: SemanticManifest,
    manifest: Mapping[str, Any],
    last_day: date,
    project: str,
) -> Bundle:
    known = _known(declarations, semantic, manifest, last_day)
    datasets = known.catalogue.datasets
    if PROJECTS in datasets:
        datasets[PROJECTS] = ordered(datasets[PROJECTS], project)
    dashboards = tuple(_Assembling(known, declared).dashboard() for declared in declarations.dashboards)
    return Bundle(tuple(datasets.values()), dashboards)


def _known(
    declarations: Declarations, semantic: SemanticManifest, manifest: Mapping[str, Any], last_day: date
) -> Known:
    catalogue = Catalogue()
    place = declarations.datasets_place
    try:
        for dataset in semantic_datasets(semantic, manifest, declarations.datasets.joined):
            catalogue.datasets[dataset.name] = dataset
            catalogue.of_metric |= {measure.name: dataset.name for measure in dataset.measures}
    except WrongUsage as error:
        raise MillraceError(f"{place.at('joined')}: {error.message}") from error
    things = {}
    for thing, dataset in declared_things(manifest, semantic, catalogue):
        catalogue.datasets[dataset.name] = dataset
        things[thing.kind, thing.name] = thing
    nodes = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    for name, declaration in declarations.datasets.datasets.items():
        if name in catalogue.datasets:
            raise MillraceError(
                f"{place.at('datasets', name)}: there is a dataset {name} already, made of what dbt has."
            )
        if declaration.table and declaration.table not in nodes:
            near = nearest(declaration.table, nodes)
            raise MillraceError(f"{place.at('datasets', name, 'table')}: no mart is called {declaration.table}{near}.")
        dataset = _declared_dataset(name, declaration, nodes)
        # Superset has one dataset for each table.
        if other := next(
            (one for one in catalogue.datasets.values() if dataset.table and one.is_of(dataset.table)), None
        ):
            raise MillraceError(f"{place.at('datasets', name, 'table')}: {other.name} is of {dataset.table} already.")
        catalogue.datasets[name] = dataset
    return Known(semantic, catalogue, things, last_day)


def _declared_dataset(name: str, said: DatasetDeclaration, nodes: Mapping[str, Any]) -> Dataset:
    if said.table:
        columns = tuple(
            Column(
                one["name"],
                one["data_type"] or "",
                said.labels.get(one["name"], label_of(one["name"])),
                " ".join((one["description"] or "").split()),
                is_time=is_time(one["data_type"] or ""),
                grouped=is_shown(one),
            )
            for one in nodes[said.table]["columns"].values()
        )
    else:
        columns = tuple(
            Column(one, TYPES[kind], said.labels.get(one, label_of(one)), is_time=kind == "time")
            for one, kind in said.columns.items()
        )
    return Dataset(
        name=name,
        title=said.title,
        description=said.description,
        columns=columns,
        measures=tuple(
            Measure(key, one.label, one.sql, one.description, one.format) for key, one in said.metrics.items()
        ),
        time=said.time,
        table=said.table,
        sql=" ".join(said.sql.split()),
        owner=said.owner,
    )


def _height(text: str) -> int:
    """Of a text over the whole width."""
    return 6 + 3 * sum(1 + len(line) // CHARACTERS for line in text.splitlines())


class _Assembling:
    """One dashboard."""

    def __init__(self, known: Known, declared: DeclaredDashboard) -> None:
        self.known = known
        self.name = declared.name
        self.said = declared.declaration
        self.place = declared.place
        self.keys: set[str] = set()
        end = known.last_day + timedelta(days=1)
        if self.said.days % 7 == 0:
            end -= timedelta(days=end.weekday())  # whole weeks: the last one looks like a fall where it is not over
        self.period = f"{end - timedelta(days=self.said.days)} : {end}"

    def dashboard(self) -> Dashboard:
        parts: list[tuple[str, Sequence[RowDeclaration], tuple[Any, ...]]] = [
            (tab.title, tab.rows, ("tabs", number)) for number, tab in enumerate(self.said.tabs)
        ]
        if self.said.rows:
            parts.insert(0, ("Overview" if parts else "", self.said.rows, ()))
        sections = tuple(Section(title, tuple(self._rows(rows, path))) for title, rows, path in parts)
        if not sections:
            raise MillraceError(f"{self.place.at()}: a dashboard has rows or tabs.")
        return Dashboard(
            name=self.name,
            title=self.said.title,
            description=self.said.description,
            sections=sections,
            filters=filters_of(self._selections(), self.period),
            owner=self.said.owner,
        )

    def _selections(self) -> Iterator[Selection | str]:
        for number, text in enumerate(self.said.filters):
            dataset, _, column = text.partition(".")
            if text in ("project", "period"):
                yield text
                continue
            of = self.known.catalogue.datasets.get(dataset)
            if of is None or not of.has(column):
                raise self._mistake(("filters", number), f"{text!r} is neither project, period nor dataset.column")
            yield Selection(of, next(one for one in of.columns if one.name == column))

    def _rows(self, rows: Sequence[RowDeclaration], path: tuple[Any, ...]) -> Iterator[Row]:
        for number, row in enumerate(rows):
            yield from self._row(row, (*path, "rows", number))

    def _row(self, row: RowDeclaration, path: tuple[Any, ...]) -> Iterator[Row]:
        if row.text:
            yield Row(row.height or _height(row.text), (Tile(12, text=row.text),))
        if row.explain:
            text = "\n".join(self._explained(name, path) for name in row.explain)
            yield Row(row.height or _height(text), (Tile(12, text=text),))
        if row.every:
            things = [thing for (kind, _), thing in self.known.things.items() if kind == row.every]
            pairs = [self._declared(thing, self.place.at(*path)) for thing in things]
            tiles = [tile for pair in pairs for tile in pair]
            for start in range(0, len(tiles), 2):
                yield Row(row.height or HEIGHTS.get(row.every, USUAL_HEIGHT), tuple(tiles[start : start + 2]))
        if row.charts:
            tiles = []
            for number, said in enumerate(row.charts):
                tiles += self._tiles(said, (*path, "charts", number), 12 // len(row.charts))
            if sum(tile.width for tile in tiles) > 12:
                raise self._mistake(path, "the charts of a row are wider than 12 columns together")
            height = row.height or max(HEIGHTS.get(said.chart, USUAL_HEIGHT) for said in row.charts)
            yield Row(height, tuple(tiles))

    def _explained(self, name: str, path: tuple[Any, ...]) -> str:
        metric = self.known.semantic.metrics.get(name)
        if metric is None:
            raise self._mistake(
                (*path, "explain"), f"no metric is called {name!r}{nearest(name, self.known.semantic.metrics)}"
            )
        return f"- **{metric['label'] or name}**: {' '.join((metric['description'] or '').split())}"

    def _tiles(self, said: ChartDeclaration, path: tuple[Any, ...], width: int) -> list[Tile]:
        if said.chart in KINDS:
            tiles = []
            for name in said.of:
                thing = self.known.things.get((said.chart, name))
                if thing is None:
                    names = [one for kind, one in self.known.things if kind == said.chart]
                    raise self._mistake((*path, "of"), f"no {said.chart} is called {name!r}{nearest(name, names)}")
                tiles += self._declared(thing, self.place.at(*path))
            return tiles if len(tiles) > 1 else [Tile(said.width or width, tiles[0].chart)]
        return [Tile(said.width or width, self._chart(said, path))]

    def _chart(self, said: ChartDeclaration, path: tuple[Any, ...]) -> Chart:
        measures: tuple[str, ...]
        if said.chart == "rows":
            dataset, measures = self._dataset(said.dataset, (*path, "dataset")), ()
        else:
            dataset, measures = self._measures(said, path)
        for column in (*said.by, *said.where):
            if not dataset.has(column):
                names = [one.name for one in dataset.columns]
                raise self._mistake(path, f"{dataset.name} has no column {column!r}{nearest(column, names)}")
        first = dataset.measure(measures[0]) if measures else None
        metric = self.known.semantic.metrics.get(measures[0]) if measures else None
        title = said.title or self._title(said, dataset, first)
        asked = Asked(
            key=self._key(title),
            title=title,
            dataset=dataset,
            measures=measures,
            by=said.by,
            grain=said.grain,
            where=said.where,
            compared_days=self.said.days if said.compare else 0,
            period=self.period if dataset.time and said.timed else charts.NO_FILTER,
            good=str(meta_of(metric).get("good", "up")) if metric else "neutral",
            limit=said.limit or charts.MOST_ROWS,
            stacked=said.stacked,
            timed=said.timed,
            description=first.description if first else dataset.description,
            place=self.place.at(*path),
            dashboard=self.name,
        )
        match said.chart:
            case "kpi":
                return charts.kpi(asked)
            case "number":
                return charts.number(asked)
            case "ranking":
                return charts.ranking(asked)
            case "pie":
                return charts.pie(asked)
            case "table":
                return charts.table(asked)
            case "rows":
                return charts.rows(asked)
        return charts.course(asked, said.chart)

    def _dataset(self, name: str, path: tuple[Any, ...]) -> Dataset:
        datasets = self.known.catalogue.datasets
        if name not in datasets:
            raise self._mistake(path, f"no dataset is called {name!r}{nearest(name, datasets)}")
        return datasets[name]

    def _measures(self, said: ChartDeclaration, path: tuple[Any, ...]) -> tuple[Dataset, tuple[str, ...]]:
        if not said.of:
            raise self._mistake(path, f"a {said.chart} is `of` a metric")
        catalogue, found = self.known.catalogue, []
        for name in said.of:
            of, _, measure = name.rpartition(".")
            of = of or catalogue.of_metric.get(name, "")
            if not of and name in self.known.semantic.metrics:
                raise self._mistake(
                    (*path, "of"), f"{name} is no expression over one table, so that Superset cannot show it"
                )
            if of not in catalogue.datasets or measure not in {one.name for one in catalogue.datasets[of].measures}:
                near = nearest(name, [*catalogue.of_metric])
                raise self._mistake((*path, "of"), f"no metric is called {name!r}{near}")
            found.append((of, measure))
        if len({of for of, _ in found}) > 1:
            raise self._mistake((*path, "of"), "metrics of one chart are of one dataset")
        return catalogue.datasets[found[0][0]], tuple(measure for _, measure in found)

    def _declared(self, thing: Declared, place: str) -> list[Tile]:
        """The tiles of a declared thing, of one row or of half of one."""
        dataset = self.known.catalogue.datasets[thing.dataset]

        def asked(title: str, measures: Sequence[str], **more: Any) -> Asked:
            return Asked(
                key=self._key(title),
                title=title,
                dataset=dataset,
                measures=tuple(measures),
                description=dataset.description,
                place=place,
                dashboard=self.name,
                **more,
            )

        period = {"period": self.period}
        if thing.kind == FUNNEL:
            steps = {"by": ("step_name",), **period}
            numbers = ["people", "of_all", "of_step_before", "lost"]
            return [
                Tile(5, charts.funnel(asked(thing.title, ["people"], **steps))),
                Tile(7, charts.table(asked(f"{thing.title}: drop-off", numbers, limit=50, **steps))),
            ]
        if thing.kind == RETENTION:
            first_ever = {"kind": "first_ever", "age": list(range(1, OLDEST_AGE + 1))}
            shown = asked(thing.title, ["retention"], where=first_ever, **period)
            return [Tile(6, charts.heat_map(shown, "age", "cohort_date", told=thing.period != "day"))]
        if thing.kind == FORECAST:
            names = [one.name for one in dataset.measures]
            return [Tile(6, charts.course(asked(thing.title, names, grain="day", timed=False)))]
        if thing.kind == WATCHED:
            return [Tile(6, charts.marked_line(asked(thing.title, ["value", "unusual"], grain="day", **period)))]
        measures = ["exposed_users", thing.goal, f"{thing.goal}__low", f"{thing.goal}__high"]
        where = {"experiment": thing.name}
        return [
            Tile(6, charts.table(asked(thing.title, measures, by=("variant",), where=where, timed=False, limit=20)))
        ]

    def _title(self, said: ChartDeclaration, dataset: Dataset, first: Measure | None) -> str:
        if first is None:
            return dataset.title
        labels = " and ".join(dataset.measure(name.rpartition(".")[2]).label for name in said.of[:2])
        by = [next(one.label for one in dataset.columns if one.name == name).lower() for name in said.by]
        if said.chart in ("line", "bar", "area"):
            return f"{labels} by {' and '.join([said.grain, *by])}"
        return f"{labels} by {' and '.join(by)}" if by else labels

    def _key(self, title: str) -> str:
        """Of a chart within its dashboard: two of one title are told apart by their number."""
        key, number = title.lower().replace(" ", "_"), 1
        while (found := key if number == 1 else f"{key}_{number}") in self.keys:
            number += 1
        self.keys.add(found)
        return found

    def _mistake(self, path: tuple[Any, ...], sentence: str) -> MillraceError:
        return MillraceError(f"{self.place.at(*path)}: {sentence.rstrip('.')}.", hint="docs/superset.md has every key.")
