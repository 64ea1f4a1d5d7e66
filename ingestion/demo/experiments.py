"""The experiments: two with a real effect, one without, one whose split is broken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingestion.demo.event_types import Kind
from ingestion.demo.world import ONBOARDING_RATE

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

ARMS: Final = ("control", "treatment")


@dataclass(frozen=True, slots=True)
class Experiment:
    """`effect` is what treatment adds to the probability of the goal (absolute), or multiplies it by (relative)."""

    id: str
    goal: Kind
    treatment_share: float  # as really assigned
    declared_share: float  # as its owner declares it
    effect: float
    effect_kind: str  # absolute, relative, none
    exposed_at: str


EXPERIMENTS: Final = (
    Experiment("onboarding_checklist", Kind.onboarding_completed, 0.5, 0.5, 0.14, "absolute", "sign-up"),
    Experiment("landing_page_story", Kind.signed_up, 0.5, 0.5, 1.30, "relative", "first visit"),
    Experiment("button_colour", Kind.order_completed, 0.5, 0.5, 0.0, "none", "first product viewed in a visit"),
    Experiment("bundle_offer", Kind.order_completed, 0.42, 0.5, 0.0, "none", "a member's visit"),
)
ONBOARDING, LANDING, BUTTON, BUNDLE = range(len(EXPERIMENTS))


def assign(rng: np.random.Generator, n: int) -> Ints:
    """The arm of each person in each experiment; a person has one arm, on every device."""
    shares = np.array([experiment.treatment_share for experiment in EXPERIMENTS])
    return (rng.random((n, len(EXPERIMENTS))) < shares).astype(np.int64)


def onboarding_rate(arm: Ints) -> Floats:
    return np.where(arm[:, ONBOARDING] == 1, ONBOARDING_RATE + EXPERIMENTS[ONBOARDING].effect, ONBOARDING_RATE)


def sign_up_factor(arm: Ints) -> Floats:
    """Balanced around one, so that the experiment does not change how many sign up over all."""
    effect = EXPERIMENTS[LANDING].effect
    share = EXPERIMENTS[LANDING].treatment_share
    factor: Floats = np.where(arm[:, LANDING] == 1, effect, 1.0) / (share * effect + 1 - share)
    return factor
