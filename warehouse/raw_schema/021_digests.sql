-- A digest travels as an alert does (monitoring/digest): so that it is told at least once, once by its key, and written down.
ALTER TABLE ops.alerts ADD COLUMN IF NOT EXISTS
digest String COMMENT 'Of a digest what it tells, as JSON; else empty' CODEC(ZSTD(3)) AFTER points;
