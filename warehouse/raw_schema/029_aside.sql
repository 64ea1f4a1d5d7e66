-- What tables held before a build, until that build has judged what it made (decision 065).
CREATE DATABASE IF NOT EXISTS aside ENGINE = Atomic COMMENT 'Builds put aside what was before, until they have judged';
