-- Tokens of the HTTP API. It only expands: code of version 1 serves these tables too.
-- oldest code: 1

-- A bearer token: the digest of its secret, and what it may do. user_id is empty for an
-- application's token, which may do everything for everybody.
CREATE TABLE usermemory.tokens (
    token_id    TEXT PRIMARY KEY,
    digest      TEXT NOT NULL,
    name        TEXT NOT NULL,
    user_id     TEXT NOT NULL DEFAULT '',
    read_only   INTEGER NOT NULL DEFAULT 0,
    created_at  DOUBLE PRECISION NOT NULL,
    expires_at  DOUBLE PRECISION
);

-- The key that signs links to a user's own page; it is made when the first link is.
CREATE TABLE usermemory.signing (
    name        TEXT PRIMARY KEY,
    secret      TEXT NOT NULL
);
