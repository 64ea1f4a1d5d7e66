"""`millrace metrics define` as people type it, in a checkout of their own: at once the metric is listed and queried;
undefined, it is as if it had never been."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import REPOSITORY
from tests.truths.conftest import LoadedWorld

ROOMS = ("cli", "semantic_layer", "ingestion", "warehouse", "dbt_project")
DEFINED = Path("dbt_project") / "models" / "semantic" / "defined"
OF_DEMO = ("--project", "demo", "--format", "json")


@dataclass(frozen=True)
class Checkout:
    world: LoadedWorld
    folder: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from cli.main import main; main()", *arguments],
            cwd=self.folder,
            env={**self.world.instance.environment, "PYTHONPATH": str(self.folder)},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=180,
            check=False,
        )

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--format", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    @property
    def files(self) -> dict[Path, bytes]:
        project = self.folder / "dbt_project"
        return {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def checkout(built: LoadedWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    folder = tmp_path_factory.mktemp("checkout")
    for room in ROOMS:
        shutil.copytree(
            REPOSITORY / room, folder / room, ignore=shutil.ignore_patterns("__pycache__", "target", "logs")
        )
    shutil.rmtree(folder / DEFINED, ignore_errors=True)
    # What dbt keeps of the world's project is others' as well.
    target = built.instance.data_dir / "dbt" / "target"
    kept = shutil.copytree(target, tmp_path_factory.mktemp("target") / "target")
    yield Checkout(built, folder)
    shutil.rmtree(target)
    shutil.copytree(kept, target)


FORMULA = "count(order_completed) / count(checkout_started) * 100"


def test_a_metric_from_its_definition_to_its_end(checkout: Checkout) -> None:
    files = checkout.files
    listed = {metric["name"] for metric in checkout.json("metrics", "list")}
    told = checkout.json(
        *("metrics", "define", "conversion_rate", "--formula", FORMULA, "--dimensions", "currency,plan"),
        *("--synonyms", "share of paid carts", "--good", "up", "--owner", "shop"),
    )
    file = checkout.folder / DEFINED / "conversion_rate.yml"
    assert told == {
        "name": "conversion_rate",
        "formula": FORMULA,
        "dimensions": ["event__currency", "user__plan"],
        "file": str(file),
        "remarks": ["Where count(checkout_started) is 0, it has no value."],
    }
    assert checkout.files.keys() - files.keys() == {file}
    metrics = {metric["name"]: metric for metric in checkout.json("metrics", "list")}
    assert metrics.keys() - listed == {"conversion_rate"}
    assert (metrics["conversion_rate"]["owner"], metrics["conversion_rate"]["good"]) == ("shop", "up")

    truth = checkout.world.truths["projects"]["demo"]
    events = truth["events"]["per_type"]
    asked = ("metrics", "query", "--metric", "conversion_rate", "--project", "demo")
    ((value,),) = checkout.json(*asked)["rows"]
    assert value == pytest.approx(events["order_completed"] / events["checkout_started"] * 100)
    by_currency = checkout.json(*asked, "--by", "event__currency")["rows"]
    carts = checkout.world.instance.rows(
        "SELECT properties.currency::String, countIf(event = 'order_completed') / countIf(event = 'checkout_started') "
        "FROM marts.fct_events WHERE project_id = 'demo' AND event IN ('order_completed', 'checkout_started') "
        "GROUP BY 1"
    )
    assert dict(by_currency) == {code: pytest.approx(part * 100) for code, part in carts}

    shown = checkout.json("metrics", "show", "conversion_rate")
    assert shown["made_of"].startswith(FORMULA)
    again = checkout.run("metrics", "define", "conversion_rate", "--formula", FORMULA)
    assert again.returncode == 2 and "The metric 'conversion_rate' is defined already." in again.stderr

    gone = checkout.json("metrics", "undefine", "conversion_rate")
    assert gone == {"name": "conversion_rate", "file": str(file)}
    assert checkout.files == files
    assert {metric["name"] for metric in checkout.json("metrics", "list")} == listed
    assert checkout.run(*asked).returncode == 2


def test_what_is_wrong_is_told_with_its_place(checkout: Checkout) -> None:
    files = checkout.files
    done = checkout.run("metrics", "define", "my_rate", "--formula", "count(order_complete) / count(checkout_started)")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.splitlines()[:3] == [
        "Error: In the formula, no event is called 'order_complete'; "
        "did you mean 'order_completed' or 'onboarding_completed'?",
        "  count(order_complete) / count(checkout_started)",
        "        ^^^^^^^^^^^^^^",
    ]
    assert checkout.files == files


def test_people_are_told_what_to_do_next(checkout: Checkout) -> None:
    done = checkout.run(
        "metrics", "define", "errors_seen", "--formula", "count(error_occurred)", "--dimensions", "country"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"errors_seen is count(error_occurred). Written to {DEFINED / 'errors_seen.yml'}.",
        "Next: millrace metrics query --metric errors_seen --by event__country",
    ]
    assert checkout.run("metrics", "query", "--metric", "errors_seen", *OF_DEMO).returncode == 0
    done = checkout.run("metrics", "undefine", "errors_seen")
    assert done.stdout == f"errors_seen is gone, and {DEFINED / 'errors_seen.yml'} with it.\n"
