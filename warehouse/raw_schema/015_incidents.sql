ALTER TABLE ops.incidents ADD COLUMN IF NOT EXISTS kind LowCardinality(String) DEFAULT 'dbt' COMMENT 'Its kind' AFTER project_id;

ALTER TABLE ops.incidents ADD COLUMN IF NOT EXISTS resolution String COMMENT 'Why it is resolved; empty: it is open' AFTER resolved_at;

ALTER TABLE ops.incidents MODIFY COLUMN written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'Version of this row';
