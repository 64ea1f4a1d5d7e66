"""The model as bytes: arrays and a JSON text. Nothing in them can run, and each array is checked before it is used."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import fields
from typing import Any

import numpy as np

from ml.churn.encoding import Encoding
from ml.churn.linear import Linear
from ml.churn.model import ChurnModel
from ml.churn.trees import Trees
from warehouse.errors import MillraceError

FORMAT = 1


def dump(model: ChurnModel) -> bytes:
    said = {
        "format": FORMAT,
        "categories": [[name, list(known)] for name, known in model.encoding.categories.items()],
        "numbers": list(model.encoding.numbers),
        "weight": model.weight,
        "slope": model.slope,
        "intercept": model.intercept,
    }
    arrays: dict[str, Any] = {f"trees_{name}": array for name, array in model.trees.arrays().items()}
    arrays |= {f"linear_{field.name}": getattr(model.linear, field.name) for field in fields(Linear)}
    kept = io.BytesIO()
    arrays["said"] = np.frombuffer(json.dumps(said).encode(), dtype=np.uint8)
    np.savez_compressed(kept, **arrays)
    return kept.getvalue()


def load(kept: bytes) -> ChurnModel:
    try:
        with np.load(io.BytesIO(kept), allow_pickle=False) as arrays:
            said = json.loads(arrays["said"].tobytes())
            if said["format"] != FORMAT:
                raise ValueError(f"format {said['format']}, this version reads {FORMAT}")
            encoding = Encoding({name: tuple(known) for name, known in said["categories"]}, tuple(said["numbers"]))
            features = len(encoding.names)
            trees = Trees.from_arrays({name.removeprefix("trees_"): arrays[name] for name in arrays.files}, features)
            linear = Linear(**{field.name: arrays[f"linear_{field.name}"] for field in fields(Linear)})
        linear.must_fit(encoding)
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise MillraceError(
            f"The kept churn model cannot be read: {error}.", hint="Train it anew, or roll back to another version."
        ) from None
    return ChurnModel(encoding, trees, linear, *(float(said[name]) for name in ("weight", "slope", "intercept")))
