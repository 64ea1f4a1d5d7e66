-- What distinct values of raw.events mean. Filled after each load (ingestion/enrichment/lookups.py); read with FINAL:
-- when the rules change, a value's new row takes the place of the old one.
CREATE TABLE IF NOT EXISTS raw.user_agents
(
    user_agent String COMMENT 'As the event has it' CODEC(ZSTD(1)),
    browser_family LowCardinality(String) COMMENT 'By ua-parser; empty where unknown',
    browser_major LowCardinality(String) COMMENT 'By ua-parser',
    os_family LowCardinality(String) COMMENT 'By ua-parser',
    os_version LowCardinality(String) COMMENT 'By ua-parser: major.minor.patch as far as known',
    device_type LowCardinality(String) COMMENT 'desktop, mobile, tablet, tv, bot, unknown',
    bot_kind LowCardinality(String) COMMENT 'headless, ai, preview, monitor, tool, crawler; empty for people',
    rules_version LowCardinality(String) COMMENT 'Of the rules that said so',
    described_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When this row was written'
)
ENGINE = ReplacingMergeTree(described_at)
ORDER BY user_agent
COMMENT 'Grain: one row per distinct user agent (FINAL).';

CREATE TABLE IF NOT EXISTS raw.referrers
(
    host String COMMENT 'Of context.page.referrer, without www',
    kind LowCardinality(String) COMMENT 'search, social, mail, ai_assistant, internal (logins, payments), other',
    name LowCardinality(String) COMMENT 'Google, Facebook; the host where it is not known',
    rules_version LowCardinality(String) COMMENT 'Of the rules that said so',
    described_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When this row was written'
)
ENGINE = ReplacingMergeTree(described_at)
ORDER BY host
COMMENT 'Grain: one row per distinct referrer host (FINAL).';

CREATE TABLE IF NOT EXISTS raw.places
(
    ip String COMMENT 'As stored: truncated where the project says so',
    country LowCardinality(String) COMMENT 'ISO 3166, two letters; empty where unknown',
    region LowCardinality(String) COMMENT 'State or province; empty where unknown',
    city LowCardinality(String) COMMENT 'Empty where unknown',
    rules_version LowCardinality(String) COMMENT 'Of the geo database that said so',
    described_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When this row was written'
)
ENGINE = ReplacingMergeTree(described_at)
ORDER BY ip
COMMENT 'Grain: one row per distinct address (FINAL).';
