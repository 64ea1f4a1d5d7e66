-- Since when a project is expected to send something.
ALTER TABLE raw.projects ADD COLUMN IF NOT EXISTS
declared_at DateTime64(3, 'UTC') COMMENT 'When `millrace migrate` met it first';
