"""The models that there are, by name. A line each: a module is imported when its model is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import cast

from ml.trainable import Trainable
from warehouse.errors import WrongUsage, nearest

# In the order of training: a name, and where its object is.
MODELS: dict[str, str] = {}


def trainable(name: str) -> Trainable:
    if name not in MODELS:
        raise WrongUsage(
            f"No model is called {name!r}{nearest(name, MODELS)}.", hint=f"There are: {', '.join(MODELS) or 'none'}."
        )
    module, _, attribute = MODELS[name].partition(":")
    return cast(Trainable, getattr(import_module(module), attribute))


def chosen(names: Iterable[str]) -> list[Trainable]:
    """Those that are named, in the order of training; all where none is."""
    wanted = set(names)
    for name in wanted:
        trainable(name)
    return [trainable(name) for name in MODELS if not wanted or name in wanted]
