-- Forecasts of metrics and of the warehouse's size (ml/forecast), and how the methods did that competed for them.
CREATE TABLE IF NOT EXISTS ml.forecasts
(
    project_id LowCardinality(String) COMMENT 'Tenant; empty: the warehouse as a whole',
    series LowCardinality(String) COMMENT 'What is forecast: metric:revenue, rows:marts, bytes:warehouse',
    made_on Date COMMENT 'The last day that was known, in the project''s timezone',
    day Date COMMENT 'The day that is forecast',
    days_ahead UInt16 COMMENT 'How many days after the last one that was known',
    expected Float64 COMMENT 'What is expected',
    lower_50 Float64 COMMENT 'Lower end of the band that holds half of all days',
    upper_50 Float64 COMMENT 'Upper end of it',
    lower_80 Float64 COMMENT 'Lower end of the band that holds 80 of 100 days',
    upper_80 Float64 COMMENT 'Upper end of it',
    lower_95 Float64 COMMENT 'Lower end of the band that holds 95 of 100 days',
    upper_95 Float64 COMMENT 'Upper end of it',
    method LowCardinality(String) COMMENT 'That won the backtests of the series: theta, prophet …',
    model_version LowCardinality(String) COMMENT 'Version in the registry; empty: chosen when it was written',
    written_at DateTime64(3, 'UTC') COMMENT 'When; all days of one forecast have the same moment'
)
ENGINE = ReplacingMergeTree(written_at)
ORDER BY (project_id, series, made_on, day)
COMMENT 'Grain: one row per series, last known day and day ahead; of several versions the last counts (FINAL).';

CREATE TABLE IF NOT EXISTS ml.forecast_backtests
(
    project_id LowCardinality(String) COMMENT 'Tenant; empty: the warehouse as a whole',
    series LowCardinality(String) COMMENT 'What is forecast',
    made_on Date COMMENT 'The last day that was known',
    method LowCardinality(String) COMMENT 'That competed',
    is_chosen Bool COMMENT 'Whether it was nearest',
    mase Nullable(Float64) COMMENT 'Mean error as a share of that of the same day a week before; NULL: that was never wrong',
    smape Float64 COMMENT 'Mean error as a share of the mean of forecast and truth, 0 to 2',
    mape Nullable(Float64) COMMENT 'Mean error as a share of the truth, of days that had any; NULL: none had',
    coverage_50 Float64 COMMENT 'Share of days in the band of 50 %, which was made of the other backtests',
    coverage_80 Float64 COMMENT 'The same of 80 %',
    coverage_95 Float64 COMMENT 'The same of 95 %',
    written_at DateTime64(3, 'UTC') COMMENT 'When'
)
ENGINE = ReplacingMergeTree(written_at)
ORDER BY (project_id, series, made_on, method)
COMMENT 'Grain: one row per series, last known day and method; of several versions the last counts (FINAL).';
