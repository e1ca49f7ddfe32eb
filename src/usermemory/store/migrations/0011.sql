-- How long a reading took is known to every process. It only expands: code of version 1 serves this
-- table too, and leaves the column empty.
-- oldest code: 1

-- From taking the messages to committing; NULL where that is not known.
ALTER TABLE usermemory.consolidations ADD COLUMN seconds DOUBLE PRECISION;
