-- A piece takes one token of these tables per month that it has lines of. A run is 1,000 files (decision 013), and months
-- are kept for up to seven years: repeated after a kill, a run must not meet tokens that were forgotten meanwhile.
ALTER TABLE raw.events MODIFY SETTING non_replicated_deduplication_window = 100000;

ALTER TABLE raw.events_withheld MODIFY SETTING non_replicated_deduplication_window = 100000;

ALTER TABLE raw.events_rejected MODIFY SETTING non_replicated_deduplication_window = 100000;
