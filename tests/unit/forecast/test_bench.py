"""How bench.forecast measures: by hand, since everything it says is said with these."""

from __future__ import annotations

import numpy as np
import pytest

from bench.forecast import is_seasonal, mase, naive2, owa, smape


def test_errors_as_the_competition_defines_them() -> None:
    real, ahead = np.array([100.0, 50.0]), np.array([110.0, 50.0])
    assert smape(real, ahead) == pytest.approx(200 * (10 / 210) / 2)
    assert mase(real, ahead, np.array([1.0, 2.0, 3.0, 6.0]), 2) == pytest.approx(5 / 3)
    assert owa((9.0, 1.0), (18.0, 4.0)) == pytest.approx((0.5 + 0.25) / 2)


def test_naive2_repeats_the_last_value_and_the_season_where_there_is_one() -> None:
    season = np.array([0.5, 1.0, 1.5, 1.0])
    seasonal = np.tile(season, 10) * 20
    assert is_seasonal(seasonal, 4)
    assert naive2(seasonal, 4, 6) == pytest.approx(np.array([10, 20, 30, 20, 10, 20]))
    noise = np.random.default_rng(2).normal(100, 1, 60)
    assert not is_seasonal(noise, 4)
    assert naive2(noise, 4, 3).tolist() == [noise[-1]] * 3
