ALTER TABLE ops.incidents
    ADD COLUMN IF NOT EXISTS kind LowCardinality(String) DEFAULT 'dbt' COMMENT 'dbt, expectation, reconcile' AFTER project_id,
    ADD COLUMN IF NOT EXISTS resolution String COMMENT 'Why it is resolved; empty: it is open' AFTER resolved_at,
    MODIFY COLUMN written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'Version of this row';
