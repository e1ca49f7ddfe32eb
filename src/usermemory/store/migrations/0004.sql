-- Migrations of profiles are known again. It only expands: code of version 1 serves these tables too.
-- oldest code: 1

-- fingerprint: of the schema that the profile was one of after this revision; empty where an older
-- version wrote it.
ALTER TABLE usermemory.revisions ADD COLUMN fingerprint TEXT NOT NULL DEFAULT '';

-- hashed_as: the field that digest and words are hashed with, where that was called otherwise.
ALTER TABLE usermemory.tombstones ADD COLUMN hashed_as TEXT NOT NULL DEFAULT '';
