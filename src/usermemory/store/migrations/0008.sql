-- Changes may wait for a person. It only expands: code of version 1 serves these tables too.
-- oldest code: 1

-- A proposed change, or several that belong together. proposal_id: keyed digest of what it would
-- do and of the words that it rests on, so that the same words propose the same thing only once.
-- state: 'waiting', or 'declined': then nothing is left of it but the digest.
CREATE TABLE usermemory.proposals (
    user_id     TEXT NOT NULL,
    proposal_id TEXT NOT NULL,
    state       TEXT NOT NULL DEFAULT 'waiting',
    kind        TEXT NOT NULL DEFAULT 'change',
    subject     TEXT NOT NULL DEFAULT '',
    changes     TEXT NOT NULL DEFAULT '[]',
    why         TEXT NOT NULL DEFAULT '',
    author      TEXT NOT NULL DEFAULT '',
    thread_id   TEXT NOT NULL DEFAULT '',
    model       TEXT NOT NULL DEFAULT '',
    revision    BIGINT NOT NULL DEFAULT 0,
    at          DOUBLE PRECISION NOT NULL,
    expires_at  DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (user_id, proposal_id)
);
CREATE INDEX usermemory_proposals_waiting ON usermemory.proposals (state, expires_at);
CREATE INDEX usermemory_proposals_id ON usermemory.proposals (proposal_id);
