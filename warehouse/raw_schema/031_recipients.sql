-- Who of several people has a message already: it is tried again for the others alone.
ALTER TABLE ops.alert_deliveries ADD COLUMN IF NOT EXISTS
recipients Map(String, LowCardinality(String)) COMMENT 'Of a mail or text message: taken, later or refused, of each'
AFTER answer;
