-- Who is about to leave, and why (ml/churn). A scoring writes all its rows with one written_at.
CREATE TABLE IF NOT EXISTS ml.churn
(
    project_id LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'It was said of what was known at the end of this day',
    person_key UInt64 COMMENT 'Who; the key that all facts share',
    probability Float64 COMMENT 'That they leave within the horizon',
    risk_band LowCardinality(String) COMMENT 'low, medium, high or critical: of the probability, by ml/churn/churn.yaml',
    reasons Array(Tuple(theme String, reason String, contribution Float64)) COMMENT 'What raises it most',
    horizon_days UInt16 COMMENT 'Within how many days',
    model_version LowCardinality(String) COMMENT 'Version of the model that said so',
    written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the scoring was written'
)
ENGINE = ReplacingMergeTree(written_at)
ORDER BY (project_id, day, person_key)
COMMENT 'Grain: one row per project, day and user that was asked about; of a day its last scoring counts.';
