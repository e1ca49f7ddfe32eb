-- Correcting and erasing. It only expands: code of version 1 serves these tables too.
-- oldest code: 1

-- undoes: numbers of the revisions that this one took back.
ALTER TABLE usermemory.revisions ADD COLUMN undoes TEXT NOT NULL DEFAULT '[]';

-- Each erasure, until the copies that updates leave on the disk are gone too (cleaned_at).
CREATE TABLE usermemory.erasures (
    user_id     TEXT NOT NULL,
    epoch       BIGINT NOT NULL,
    at          DOUBLE PRECISION NOT NULL,
    cleaned_at  DOUBLE PRECISION,
    PRIMARY KEY (user_id, epoch)
);
CREATE INDEX usermemory_erasures_pending ON usermemory.erasures (at) WHERE cleaned_at IS NULL;
