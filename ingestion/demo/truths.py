"""truths.json: the exact results that the warehouse must arrive at. docs/demo-world.md says what each key means."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ingestion.demo import anomalies, experiments, marketing, population, reference, shop, tally, truth_churn, world
from ingestion.demo.clock import Clock
from ingestion.demo.event_types import NAMES
from ingestion.demo.money import RATE_UNIT, Rates
from ingestion.demo.truth_funnels import histogram

Ints = NDArray[np.int64]
Json = dict[str, Any]

FORECAST_DAYS = 90


def iso(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec='milliseconds')[:23]}Z"


def amount(value: int, unit: int) -> str:
    """A whole number of `unit`ths as an exact decimal."""
    digits = len(str(unit)) - 1
    sign = "-" if value < 0 else ""
    return f"{sign}{abs(value) // unit}.{abs(value) % unit:0{digits}d}"


def days_of(clock: Clock, counts: Ints) -> dict[str, int]:
    return {day: int(count) for day, count in zip(clock.dates, counts, strict=True)}


def project_truths(
    settings: world.World,
    project: world.Project,
    clock: Clock,
    plan: anomalies.Plan,
    counted: tally.Tally,
    tables: dict[str, pa.Table],
    rates: Rates,
    spend: list[marketing.SpendRow],
) -> Json:
    return {
        "timezone": project.timezone,
        "currency": project.currency,
        "write_key": project.write_key,
        "first_day": clock.dates[0],
        "last_day": clock.dates[-1],
        "events": _events(clock, counted["events"]),
        "identity": counted["identity"],
        "sessions": _sessions(clock, counted["sessions"]),
        "activity": _activity(clock, counted["activity"]),
        "retention": _retention(clock, counted["activity"]["retention"]),
        "funnels": _funnels(clock, counted["funnels"]),
        "orders": _orders(clock, counted["orders"], rates),
        "recurring_revenue": {
            month: {key: value if key == "subscribers" else amount(value, 100) for key, value in numbers.items()}
            for month, numbers in counted["subscriptions"].items()
        },
        "marketing": _marketing(clock, counted["acquisition"], spend),
        "experiments": _experiments(counted["experiments"]),
        "quality": {name: days_of(clock, counts) for name, counts in counted["quality"].items()},
        "anomalies": [_anomaly(clock, found) for found in plan.anomalies.values()],
        "churn": _churn(tables["churn"]),
        "recommendations": _recommendations(counted["orders"]),
        "forecast": _forecast(settings, project, clock, counted),
    }


def _events(clock: Clock, events: tally.Tally) -> Json:
    by_type = events["by_type_and_day"]
    return {
        "distinct": events["distinct"],
        "left_out": {reason: events[reason] for reason in ("no_consent", "bots", "internal")},
        "counted": events["counted"],
        "distinct_per_type": {name: int(n) for name, n in zip(NAMES, events["by_type_distinct"], strict=True) if n},
        "per_type": {name: int(row.sum()) for name, row in zip(NAMES, by_type, strict=True) if row.any()},
        "per_day": days_of(clock, by_type.sum(axis=0)),
        "per_type_and_day": {name: row.tolist() for name, row in zip(NAMES, by_type, strict=True) if row.any()},
        "per_hour": {"first_hour": iso(clock.begin), "counts": events["by_hour"].tolist()},
        "late_by_more_than_an_hour": events["late"],
        "with_a_wrong_clock": events["skewed"],
    }


def _sessions(clock: Clock, sessions: tally.Tally) -> Json:
    plain = ("count", "with_sdk_id", "bounced", "engaged", "converted", "one_event", "duration_ms", "views")
    distribution = sessions["events_per_session"]
    return {
        **{name: sessions[name] for name in plain},
        "per_day": days_of(clock, sessions["per_day"]),
        "per_channel": _per_channel(sessions["per_channel"]),
        "converted_per_channel": _per_channel(sessions["converted_per_channel"]),
        "events_per_session": {str(n): int(count) for n, count in enumerate(distribution) if count},
    }


def _per_channel(counts: Ints) -> dict[str, int]:
    names = (*marketing.CHANNELS, "unknown")
    return {name: int(count) for name, count in zip(names, counts, strict=False) if count}


def _activity(clock: Clock, activity: tally.Tally) -> Json:
    return {
        **{name: days_of(clock, activity[name]) for name in ("dau", "wau", "mau")},
        "lifecycle_per_week": {
            week: {state: int(counts[number]) for state, counts in activity["lifecycle"].items()}
            for number, week in enumerate(clock.weeks)
        },
        "active_days_of_the_last_30": activity["active_days"].tolist(),
    }


def _retention(clock: Clock, tables: dict[str, Ints]) -> Json:
    found: Json = {}
    for name, square in tables.items():
        weekly = name.startswith("weekly")
        if weekly:
            first = 1 if clock.start.weekday() else 0
            periods = clock.weeks[first : first + len(square)]
            end = date.fromisoformat(periods[-1]) + timedelta(days=6)
        else:
            periods = clock.dates[slice(*tally.RETENTION_DAYS)]
            end = date.fromisoformat(periods[-1])
        found[name] = {
            "from": periods[0],
            "to": end.isoformat(),
            "cohorts": [
                {
                    "period": period,
                    "size": int(row[0]),
                    "returned_after_1_and_more": row[1 : len(square) - number].tolist(),
                }
                for number, (period, row) in enumerate(zip(periods, square, strict=True))
            ],
        }
    return found


def _funnels(clock: Clock, funnels: tally.Tally) -> Json:
    found: Json = {}
    for name, counted in funnels.items():
        base = max((funnel for funnel in tally.FUNNELS if name.startswith(f"{funnel}_")), key=len)
        result: Json = {
            "steps": list(tally.FUNNELS[base]),
            "within_days": 1 / 24 if name.endswith("_1_hour") else 14,
            "users": counted["users"].tolist(),
        }
        variant = name.removeprefix(f"{base}_")
        result["order"] = variant if variant in ("strict", "unordered") else "ordered"
        if variant in tally.EXCLUSIONS:
            event, after, before = tally.EXCLUSIONS[variant]
            result["exclude"] = {"event": event, "after_step": after, "before_step": before}
        for dimension in ("by_country", "by_device"):
            if dimension in counted:
                result[dimension] = {value: users.tolist() for value, users in sorted(counted[dimension].items())}
        if "seconds_between" in counted:
            between = [np.concatenate(parts) for parts in zip(*counted["seconds_between"], strict=True)]
            result["mean_seconds"] = [None, *(round(float(s.mean()), 6) if len(s) else None for s in between)]
            result["median_seconds"] = [None, *(round(float(np.median(s)), 6) if len(s) else None for s in between)]
            seconds = np.concatenate(counted["seconds_to_convert"])
            result["histogram"] = [
                {"from_seconds": low, "to_seconds": high, "users": users} for low, high, users in histogram(seconds)
            ]
            result["trend_per_day"] = {
                "entered": counted["entered_per_day"].tolist(),
                "converted": counted["converted_per_day"].tolist(),
            }
        found[name] = result
    return found


def _orders(clock: Clock, orders: tally.Tally, rates: Rates) -> Json:
    found: Json = {"missing_rate": {"currency": rates.missing_currency, "date": clock.dates[rates.missing_day]}}
    for name in ("completed", "refunded"):
        counted = orders[name]
        cents = counted["cents_per_currency_and_day"]
        found[name] = {
            "count": int(counted["per_day"].sum()),
            "per_day": days_of(clock, counted["per_day"]),
            "per_currency": {
                currency: {"count": int(counted["per_currency"][c]), "revenue": amount(int(cents[c].sum()), 100)}
                for c, currency in enumerate(reference.CURRENCIES)
                if counted["per_currency"][c]
            },
            "revenue_per_day": {
                day: amount(int(value), 100 * RATE_UNIT)
                for day, value in zip(clock.dates, counted["converted_per_day"], strict=True)
            },
            "revenue": amount(int(counted["converted_per_day"].sum()), 100 * RATE_UNIT),
            "without_rate": counted["without_rate"],
        }
    return found


def _marketing(clock: Clock, acquisition: tally.Tally, spend: list[marketing.SpendRow]) -> Json:
    per_channel_and_day: dict[str, Ints] = {}
    per_campaign: dict[str, int] = {}
    for row in spend:
        touch = marketing.TOUCHES[row.touch]
        per_channel_and_day.setdefault(touch.channel, np.zeros(clock.days, dtype=np.int64))[row.day] += row.cost
        per_campaign[touch.campaign] = per_campaign.get(touch.campaign, 0) + row.cost
    return {
        "spend": amount(sum(row.cost for row in spend), 100),
        "spend_per_campaign": {name: amount(cost, 100) for name, cost in sorted(per_campaign.items())},
        "spend_per_channel_and_day": {
            channel: [amount(int(cost), 100) for cost in costs]
            for channel, costs in sorted(per_channel_and_day.items())
        },
        "new_customers_per_month_and_first_channel": {
            month: _per_channel(row) for month, row in zip(clock.month_ends, acquisition["new_customers"], strict=True)
        },
        "people_by_first_channel": _per_channel(acquisition["people_by_first_channel"]),
    }


def _experiments(counted: tally.Tally) -> Json:
    return {
        one.id: {
            "goal": one.goal.name,
            "exposed_at": one.exposed_at,
            "declared_share_of_treatment": one.declared_share,
            "real_share_of_treatment": one.treatment_share,
            "true_effect": one.effect,
            "effect_kind": one.effect_kind,
            "sample_ratio_mismatch": one.declared_share != one.treatment_share,
            "arms": {
                arm: {
                    key: int(counted[one.id][key][number])
                    for key in ("exposed", "reached_goal", "reached_goal_in_14_days")
                }
                for number, arm in enumerate(experiments.ARMS)
            },
            "exposed_to_both": counted[one.id]["exposed_to_both"],
        }
        for one in experiments.EXPERIMENTS
    }


def _anomaly(clock: Clock, found: anomalies.Anomaly) -> Json:
    first, last = (int(clock.day(np.array([instant]))[0]) for instant in (found.start, found.end - 1))
    return {
        "kind": found.kind,
        "planted": found.planted,
        "metric": found.metric,
        "direction": found.direction,
        "start": iso(found.start),
        "end": iso(found.end),
        "first_day": clock.dates[first],
        "last_day": clock.dates[last],
        "size": found.size,
        "size_means": found.size_means,
        "dimensions": found.dimensions,
    }


def _churn(rows: pa.Table) -> Json:
    probability = rows["probability"].to_numpy()
    cut_offs = rows["cut_off"].cast(pa.int64()).to_numpy()
    labels = np.array([-1 if label is None else int(label) for label in rows["churned"].to_pylist()], dtype=np.int64)
    found = []
    for cut_off in np.unique(cut_offs):
        here = (cut_offs == cut_off) & (labels >= 0)
        all_here = cut_offs == cut_off
        found.append(
            {
                "cut_off": iso(int(cut_off)),
                "members": int(all_here.sum()),
                "churned": int(labels[here].sum()) if here.any() else None,
                "mean_probability": float(probability[all_here].mean()),
                "best_possible_auc": truth_churn.auc(probability[here], labels[here] == 1),
                "best_possible_auc_on_average": truth_churn.expected_auc(probability[all_here]),
            }
        )
    known = labels >= 0
    return {
        "definition": "a member who pays at the cut-off cancels within the 30 days that follow it",
        "intercept": world.CHURN_INTERCEPT,
        "coefficients": world.CHURN_COEFFICIENTS,
        "caps": world.CHURN_CAPS,
        "cut_offs": found,
        "best_possible_auc": truth_churn.auc(probability[known], labels[known] == 1),
        "best_possible_auc_on_average": truth_churn.expected_auc(probability[known]),
    }


def _recommendations(orders: tally.Tally) -> Json:
    together = orders["bought_together"]
    bundle = np.repeat(np.arange(len(shop.BUNDLES)), shop.PRODUCTS_PER_BUNDLE)
    same = bundle[:, None] == bundle[None, :]
    pairs = int(together.sum()) // 2
    return {
        "bundles": {
            name: [f"P{b * shop.PRODUCTS_PER_BUNDLE + p + 1:03d}" for p in range(shop.PRODUCTS_PER_BUNDLE)]
            for b, name in enumerate(shop.BUNDLES)
        },
        "probability_of_the_same_bundle": world.SAME_BUNDLE,
        "probability_of_the_favourite_bundle": world.FAVOURITE_BUNDLE,
        "orders_per_product": {f"P{p + 1:03d}": int(n) for p, n in enumerate(orders["product_orders"])},
        "pairs_bought_together": pairs,
        "pairs_of_one_bundle": int(together[same].sum()) // 2,
    }


def _forecast(settings: world.World, project: world.Project, clock: Clock, counted: tally.Tally) -> Json:
    """The true means of daily series: of new people also for the days after the world, by the same law."""
    expected, _ = population.traffic(settings.seed, project.id, clock)
    people = settings.events * project.share_of_events * world.NEW_PEOPLE_PER_EVENT
    days = np.arange(clock.days + FORECAST_DAYS)
    weekday = (clock.start.weekday() + days) % 7
    law = np.exp(np.log1p(world.WEEKLY_GROWTH) * days / 7) * np.array(world.WEEKDAY_WEIGHTS)[weekday]
    law = law * (expected[0] / law[0]) * people
    return {
        "weekly_growth": world.WEEKLY_GROWTH,
        "weekday_weights": list(world.WEEKDAY_WEIGHTS),
        "noise_of_a_day": world.DAY_NOISE,
        "new_people_per_day": {
            (clock.start + timedelta(days=int(d))).isoformat(): round(float(mean), 6)
            for d, mean in zip(days, law, strict=True)
        },
        "member_visits_per_day": [round(float(mean), 6) for mean in counted["expected_member_visits"]],
    }
