-- What stood in the prompts of answers. It only expands: code of version 1 serves these tables too,
-- and knows nothing of what was shown.
-- oldest code: 1

-- items: for each field, keyed hashes of the values of the profile that were shown; no text.
CREATE TABLE usermemory.shown (
    user_id     TEXT NOT NULL,
    thread_id   TEXT NOT NULL,
    message_id  TEXT NOT NULL,
    at          DOUBLE PRECISION NOT NULL,
    keep_until  DOUBLE PRECISION NOT NULL,
    revision    BIGINT NOT NULL,
    items       TEXT NOT NULL,
    PRIMARY KEY (user_id, thread_id, message_id)
);
CREATE INDEX usermemory_shown_newest ON usermemory.shown (user_id, at);
CREATE INDEX usermemory_shown_expiring ON usermemory.shown (keep_until);
