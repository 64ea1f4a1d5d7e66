ALTER TABLE raw.projects
ADD COLUMN IF NOT EXISTS currency LowCardinality(String) COMMENT 'What amounts are converted into (ISO 4217)' AFTER timezone;
