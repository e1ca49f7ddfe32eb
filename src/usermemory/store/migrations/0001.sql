-- The first tables. Every one is keyed by user_id first, so that they distribute by user.
-- The types are read the same way by SQLite (affinity) and PostgreSQL.

-- One row per user, which outlives every erasure: the token grows with each claim, the epoch with
-- each erasure, the revision with each change. next_due is derived from threads, lease and
-- fairness (see refresh_user); it alone decides who is claimed next. spent are the tokens of the
-- day (since the epoch, UTC) in spent_day.
CREATE TABLE usermemory.users (
    user_id     TEXT PRIMARY KEY,
    salt        TEXT NOT NULL,
    token       BIGINT NOT NULL DEFAULT 0,
    epoch       BIGINT NOT NULL DEFAULT 0,
    revision    BIGINT NOT NULL DEFAULT 0,
    lease_until DOUBLE PRECISION NOT NULL DEFAULT 0,
    lease_by    TEXT NOT NULL DEFAULT '',
    served_at   DOUBLE PRECISION NOT NULL DEFAULT 0,
    next_due    DOUBLE PRECISION,
    paused      INTEGER NOT NULL DEFAULT 0,
    spent       BIGINT NOT NULL DEFAULT 0,
    spent_day   BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX usermemory_users_due ON usermemory.users (next_due) WHERE next_due IS NOT NULL;

-- at_most (turns) halves a batch that makes the model fail, down to the turn that is to blame; its
-- messages are then counted in dead, and the others go on.
CREATE TABLE usermemory.threads (
    user_id     TEXT NOT NULL,
    thread_id   TEXT NOT NULL,
    state       TEXT NOT NULL DEFAULT 'idle',
    due_at      DOUBLE PRECISION,
    first_at    DOUBLE PRECISION,
    not_before  DOUBLE PRECISION NOT NULL DEFAULT 0,
    unread      BIGINT NOT NULL DEFAULT 0,
    unread_chars BIGINT NOT NULL DEFAULT 0,
    next_seq    BIGINT NOT NULL DEFAULT 1,
    at_most     BIGINT,
    dead        BIGINT NOT NULL DEFAULT 0,
    attempts    INTEGER NOT NULL DEFAULT 0,
    last_error  TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (user_id, thread_id)
);
CREATE INDEX usermemory_threads_due ON usermemory.threads (user_id, due_at)
    WHERE due_at IS NOT NULL;
CREATE INDEX usermemory_threads_dead ON usermemory.threads (user_id)
    WHERE state = 'dead' OR dead > 0;

-- Messages of a thread. 'unread' wait for a consolidation; 'dead' ones made it fail and wait for a
-- person; 'tail' are the last read ones, kept as context; 'mark' has lost its text and only says that a message was seen. seq says which version
-- of a message arrived when, position where it stands in the thread, part which piece of a very
-- long message it is.
CREATE TABLE usermemory.inbox (
    user_id     TEXT NOT NULL,
    thread_id   TEXT NOT NULL,
    seq         BIGINT NOT NULL,
    position    BIGINT NOT NULL,
    part        INTEGER NOT NULL DEFAULT 0,
    message_id  TEXT,
    digest      TEXT NOT NULL,
    author      TEXT NOT NULL,
    name        TEXT,
    text        TEXT NOT NULL,
    said_at     DOUBLE PRECISION NOT NULL,
    received_at DOUBLE PRECISION NOT NULL,
    state       TEXT NOT NULL,
    PRIMARY KEY (user_id, thread_id, seq)
);
CREATE INDEX usermemory_inbox_ids ON usermemory.inbox (user_id, thread_id, message_id)
    WHERE message_id IS NOT NULL;
CREATE INDEX usermemory_inbox_unread ON usermemory.inbox (user_id, received_at)
    WHERE state = 'unread';
CREATE INDEX usermemory_inbox_tail ON usermemory.inbox (user_id, thread_id, position)
    WHERE state <> 'mark';

-- stamps: for each field when it was learned, confirmed and edited by hand.
CREATE TABLE usermemory.profiles (
    user_id     TEXT PRIMARY KEY,
    document    TEXT NOT NULL,
    revision    BIGINT NOT NULL,
    updated_at  DOUBLE PRECISION NOT NULL,
    fingerprint TEXT NOT NULL DEFAULT '',
    stamps      TEXT NOT NULL DEFAULT '{}'
);

-- replaced: how many of the changes put an end to an earlier value.
CREATE TABLE usermemory.revisions (
    user_id     TEXT NOT NULL,
    revision    BIGINT NOT NULL,
    at          DOUBLE PRECISION NOT NULL,
    author      TEXT NOT NULL,
    thread_id   TEXT NOT NULL DEFAULT '',
    token       BIGINT NOT NULL DEFAULT 0,
    changes     TEXT NOT NULL,
    replaced    INTEGER NOT NULL DEFAULT 0,
    model       TEXT NOT NULL DEFAULT '',
    prompt      TEXT NOT NULL DEFAULT '',
    usage       TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (user_id, revision)
);
CREATE INDEX usermemory_revisions_replaced ON usermemory.revisions (user_id, revision)
    WHERE replaced > 0;

-- What came of each claim that read something: the proof that every message was read once.
CREATE TABLE usermemory.consolidations (
    user_id     TEXT NOT NULL,
    token       BIGINT NOT NULL,
    thread_id   TEXT NOT NULL,
    at          DOUBLE PRECISION NOT NULL,
    outcome     TEXT NOT NULL,
    reason      TEXT NOT NULL DEFAULT '',
    error       TEXT NOT NULL DEFAULT '',
    seqs        TEXT NOT NULL,
    revision    BIGINT,
    rejections  TEXT NOT NULL DEFAULT '[]',
    model       TEXT NOT NULL DEFAULT '',
    prompt      TEXT NOT NULL DEFAULT '',
    usage       TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (user_id, token)
);

-- What was erased, as keyed hashes only: it must not be learned again from older words.
CREATE TABLE usermemory.tombstones (
    user_id     TEXT NOT NULL,
    field       TEXT NOT NULL,
    digest      TEXT NOT NULL,
    words       TEXT NOT NULL DEFAULT '[]',
    erased_at   DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (user_id, field, digest)
);
