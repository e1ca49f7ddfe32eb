-- Text of messages may be kept after it is read. It only expands: code of version 1 serves these
-- tables too, and keeps no text.
-- oldest code: 1

-- keep_until: as long as that the text stays once it is read, for search; NULL: not at all. Such a
-- message is in the state 'kept' from the time when no batch needs it as context.
ALTER TABLE usermemory.inbox ADD COLUMN keep_until DOUBLE PRECISION;
CREATE INDEX usermemory_inbox_kept ON usermemory.inbox (user_id, thread_id, position)
    WHERE keep_until IS NOT NULL;
CREATE INDEX usermemory_inbox_expiring ON usermemory.inbox (keep_until) WHERE state = 'kept';

-- Messages that wait or are context: few in any thread, however many are kept beside them.
-- (The old index is called by the first name in a file, by the second in a schema of a server.)
DROP INDEX IF EXISTS usermemory.inbox_tail;
DROP INDEX IF EXISTS usermemory.usermemory_inbox_tail;
CREATE INDEX usermemory_inbox_open ON usermemory.inbox (user_id, thread_id, position)
    WHERE state <> 'mark' AND state <> 'kept';
