-- What watched series did that was not to be expected (monitoring/watch), and the baselines it was judged by.
CREATE TABLE IF NOT EXISTS ops.anomalies
(
    anomaly_id UUID COMMENT 'This anomaly: made of series, project, dimensions, kind and begin, so that it is found again',
    series LowCardinality(String) COMMENT 'What is watched: metric:sessions, table:marts.fct_events, funnel:name/step',
    project_id LowCardinality(String) COMMENT 'Tenant',
    dimensions Map(LowCardinality(String), String) COMMENT 'The segment; empty: the whole',
    grain LowCardinality(String) COMMENT 'hour, day, week or month',
    kind LowCardinality(String) COMMENT 'spike, drop, level shift, trend change, seasonal break or missing data',
    severity LowCardinality(String) COMMENT 'low, medium, high or critical',
    confidence Float64 COMMENT 'The score of its most surprising point, 0 to 1',
    status LowCardinality(String) COMMENT 'open, acknowledged or resolved',
    started_at DateTime64(3, 'UTC') COMMENT 'Begin of its first point',
    ended_at DateTime64(3, 'UTC') COMMENT 'End of its last point so far',
    points UInt32 COMMENT 'How many points it has',
    is_good Nullable(Bool) COMMENT 'Whether it went the way that is good for the metric; NULL: nobody says which way is good',
    value Nullable(Float64) COMMENT 'At its most surprising point; NULL: data is missing',
    expected Nullable(Float64) COMMENT 'What was to be expected there',
    lower Nullable(Float64) COMMENT 'Lower end of the band there',
    upper Nullable(Float64) COMMENT 'Upper end of the band there',
    deviation Nullable(Float64) COMMENT 'Of value from expected, as a share of expected; NULL where that is 0',
    owner LowCardinality(String) COMMENT 'Who is asked about it',
    channels Array(LowCardinality(String)) COMMENT 'Where it is told',
    explanation Array(Tuple(dimensions Map(String, String), value Float64, expected Float64, share Float64))
    COMMENT 'Segments that explain it, the largest share of the change first' CODEC(ZSTD(3)),
    causes Array(Tuple(kind String, name String, at DateTime64(3, 'UTC')))
    COMMENT 'Releases, experiments, incidents and other metrics of that time' CODEC(ZSTD(3)),
    noted_at DateTime64(3, 'UTC') COMMENT 'When it was found',
    resolved_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was resolved',
    notes Array(Tuple(at DateTime64(3, 'UTC'), author String, text String)) COMMENT 'What people say of it' CODEC(ZSTD(3)),
    run_id Nullable(UUID) COMMENT 'The run that found it, in ops.runs; NULL: no build',
    written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'Version of this row'
)
ENGINE = ReplacingMergeTree(written_at)
ORDER BY anomaly_id
COMMENT 'Grain: one row per anomaly; of several versions the last counts (FINAL).';

CREATE TABLE IF NOT EXISTS ops.anomaly_baselines
(
    series LowCardinality(String) COMMENT 'What is watched',
    project_id LowCardinality(String) COMMENT 'Tenant',
    dimensions Map(LowCardinality(String), String) COMMENT 'The segment; empty: the whole',
    version String COMMENT 'Of the detectors and what they were told: another version judges anew',
    learned_at DateTime64(3, 'UTC') COMMENT 'When',
    learned_until DateTime64(3, 'UTC') COMMENT 'Begin of the newest point it knows',
    points UInt32 COMMENT 'Points it was learned from',
    baseline String COMMENT 'Profiles, bands and limits, as JSON' CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree(learned_at)
ORDER BY (series, project_id, dimensions, version)
COMMENT 'Grain: one row per series, project, segment and version; of several rows the last counts (FINAL).';
