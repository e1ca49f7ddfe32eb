-- Whose words a message of a shared thread is may be known to another user's inbox. It only
-- expands: code of version 1 serves this table too.
-- oldest code: 1

CREATE INDEX usermemory_threads_shared ON usermemory.threads (thread_id);
