"""Forecasts of metrics and of the warehouse's size: several methods compete on each series, backtests decide, and the
errors of the backtests are the width of the bands."""
