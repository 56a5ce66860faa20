-- Version 4: a transaction may end within a record of the journal.
ALTER TABLE journal_position ADD COLUMN items BIGINT DEFAULT 0;
ALTER TABLE journal_position ALTER COLUMN items SET NOT NULL;
ALTER TABLE journal_position ALTER COLUMN items DROP DEFAULT;
