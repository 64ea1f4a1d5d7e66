ALTER TABLE raw.event_types
ADD COLUMN IF NOT EXISTS synonyms Array(String) COMMENT 'What people call it in questions'
