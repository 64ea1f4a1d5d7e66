-- Products that people may want next (ml/recommendations).
CREATE TABLE IF NOT EXISTS ml.recommendations
(
    project_id LowCardinality(String) COMMENT 'Tenant',
    person_id String COMMENT 'The user',
    rank UInt8 COMMENT '1: the first to show',
    product_id String COMMENT 'The product, which the user has not touched yet',
    score Float64 COMMENT 'What it is ordered by; of one user only',
    way LowCardinality(String) COMMENT 'together: what goes with what the user touched; popularity: what most touch',
    as_of Date COMMENT 'The day at whose end it is said',
    model_version LowCardinality(String) COMMENT 'Of the registered model',
    written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'Version of this row'
)
ENGINE = ReplacingMergeTree(written_at)
ORDER BY (project_id, person_id, rank)
COMMENT 'Grain: one row per project, user and rank; of several the last written one counts (FINAL).';
