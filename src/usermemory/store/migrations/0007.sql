-- Answers of the HTTP API to requests with an Idempotency-Key, for a day. It only expands: code of
-- version 1 serves these tables too.
-- oldest code: 1

-- place is the token and a digest of its key; digest is of the request; status and body are of the
-- answer, NULL while it is worked out. body is NULL too once something of the user was erased.
CREATE TABLE usermemory.replies (
    place       TEXT PRIMARY KEY,
    user_id     TEXT NOT NULL DEFAULT '',
    digest      TEXT NOT NULL,
    at          DOUBLE PRECISION NOT NULL,
    status      INTEGER,
    body        TEXT,
    void        INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX usermemory_replies_of_user ON usermemory.replies (user_id);
CREATE INDEX usermemory_replies_by_age ON usermemory.replies (at);
