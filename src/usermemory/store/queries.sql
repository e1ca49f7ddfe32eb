-- Every statement of the memory, by name, each with its reason.
--
-- `usermemory.` before a table becomes the schema (PostgreSQL) or the prefix (SQLite). `:now` is
-- bound by the driver: one clock for all workers. A driver fills in these and nothing else:
--   {skip_locked}    the row lock that passes over rows somebody else holds
--   {numbers NAME}   the JSON list of integers in that parameter, as rows
--   {texts NAME}     the same for strings
--   {notify COLUMN}  tells workers of other machines, with the commit, if that time is near
-- Beside `state = …`, `state <> 'mark' AND state <> 'kept'` lets the planner use the index that
-- leaves those out: a thread has few messages that wait or are context, and any number of others.

-- name: lock_user
-- Every writing flow begins here: one user is one unit of serialisation.
INSERT INTO usermemory.users AS u (user_id, salt) VALUES (:user_id, :salt)
ON CONFLICT (user_id) DO UPDATE SET token = u.token
RETURNING token, epoch, revision, lease_until, paused, salt, CAST(:now AS DOUBLE PRECISION) AS now;

-- name: refresh_user
-- Who is next: the oldest due thread, but not before the running batch's lease ends, and behind
-- the users who have waited since this one was served. A host whose clock ran ahead may have
-- written times that are still to come: such a service, a lease far beyond any, and a due time of
-- messages that came in the future, count as now.
UPDATE usermemory.users AS u SET next_due = CASE WHEN u.paused = 1 THEN NULL ELSE (
    SELECT CASE WHEN MIN(CASE WHEN t.first_at > :now + 60 THEN :now ELSE t.due_at END)
                     < CASE WHEN u.lease_until > :now + 3600 THEN 0 ELSE u.lease_until END
                THEN u.lease_until
                WHEN MIN(CASE WHEN t.first_at > :now + 60 THEN :now ELSE t.due_at END) < u.served_at
                THEN CASE WHEN u.served_at > :now THEN :now ELSE u.served_at END
                ELSE MIN(CASE WHEN t.first_at > :now + 60 THEN :now ELSE t.due_at END) END
    FROM usermemory.threads AS t WHERE t.user_id = u.user_id AND t.due_at IS NOT NULL) END
WHERE u.user_id = :user_id {notify u.next_due};

-- name: thread
-- The schedule of one thread.
SELECT state, due_at, first_at, not_before, unread, unread_chars, next_seq, at_most, dead,
    attempts, last_error
FROM usermemory.threads WHERE user_id = :user_id AND thread_id = :thread_id;

-- name: save_thread
-- The schedule after a flow has worked it out under the user's lock.
INSERT INTO usermemory.threads (user_id, thread_id, state, due_at, first_at, not_before, unread,
    unread_chars, next_seq, at_most, dead, attempts, last_error)
VALUES (:user_id, :thread_id, :state, :due_at, :first_at, :not_before, :unread,
    :unread_chars, :next_seq, :at_most, :dead, :attempts, :last_error)
ON CONFLICT (user_id, thread_id) DO UPDATE SET state = excluded.state, due_at = excluded.due_at,
    first_at = excluded.first_at, not_before = excluded.not_before, unread = excluded.unread,
    unread_chars = excluded.unread_chars, next_seq = excluded.next_seq,
    at_most = excluded.at_most, dead = excluded.dead, attempts = excluded.attempts, last_error = excluded.last_error;

-- name: marks
-- The newest messages of a thread, newest first, to align a history that comes under fresh ids; then
-- which of some ids were seen, and with which text last: those of a call's newest messages.
SELECT * FROM (SELECT 'mark' AS kind, message_id, digest FROM usermemory.inbox
    WHERE user_id = :user_id AND thread_id = :thread_id AND part = 0
    ORDER BY seq DESC LIMIT :count) AS marks
UNION ALL
SELECT * FROM (SELECT 'known', message_id, digest FROM usermemory.inbox
    WHERE user_id = :user_id AND thread_id = :thread_id AND part = 0
      AND message_id IN {texts ids} ORDER BY message_id, seq) AS known;

-- name: known_ids
-- Which of these ids were seen, and with which text last.
SELECT message_id, digest FROM usermemory.inbox
WHERE user_id = :user_id AND thread_id = :thread_id AND part = 0
  AND message_id IN {texts ids} ORDER BY message_id, seq;

-- name: arrived
-- Which of these messages the inbox knows, in whatever state, and when they were said.
SELECT message_id, seq, said_at, received_at FROM usermemory.inbox
WHERE user_id = :user_id AND thread_id = :thread_id AND part = 0
  AND message_id IN {texts ids} ORDER BY message_id, seq;

-- name: known_user
-- How a user's messages are told from new ones, for those who only look: nothing is locked.
SELECT salt, paused, epoch FROM usermemory.users WHERE user_id = :user_id;

-- name: others_of_thread
-- Who else has a memory of a thread.
SELECT user_id FROM usermemory.threads
WHERE thread_id = :thread_id AND user_id <> :user_id ORDER BY user_id LIMIT :count;

-- name: drop_unread
-- An edited message gives way to its new text before anybody read the old one.
DELETE FROM usermemory.inbox
WHERE user_id = :user_id AND thread_id = :thread_id AND message_id = :message_id
  AND digest = :digest AND state = 'unread' RETURNING position, LENGTH(text) AS chars;

-- name: unread_text
-- What an unread message says, to tell an edit of it from another message under its id.
SELECT author, text FROM usermemory.inbox
WHERE user_id = :user_id AND thread_id = :thread_id AND message_id = :message_id
  AND digest = :digest AND state = 'unread' ORDER BY part;

-- name: drop_waiting
-- A model is asked with these messages: what it is given of them comes now.
DELETE FROM usermemory.inbox
WHERE user_id = :user_id AND thread_id = :thread_id AND message_id IN {texts ids}
  AND state = 'waiting' RETURNING message_id, position;

-- name: give_up_waiting
-- The run that brought these messages ended before a model was asked with them: they stay unheard.
UPDATE usermemory.inbox SET state = 'mark'
WHERE user_id = :user_id AND thread_id = :thread_id AND message_id IN {texts ids}
  AND state = 'waiting';

-- name: add_message
-- One message, or one part of a very long one.
INSERT INTO usermemory.inbox (user_id, thread_id, seq, position, part, message_id, digest, author,
    name, text, said_at, received_at, state, keep_until)
VALUES (:user_id, :thread_id, :seq, :position, :part, :message_id, :digest, :author, :name, :text,
    :said_at, COALESCE(CAST(:received_at AS DOUBLE PRECISION), :now), :state,
    :now + CAST(:keep_for AS DOUBLE PRECISION));

-- name: recall
-- The point lookup: profile, its times, and the number of unread messages.
SELECT p.document AS text, p.revision AS number, p.updated_at AS at, p.stamps,
    CAST(:now AS DOUBLE PRECISION) AS now,
    (SELECT COUNT(*) FROM (SELECT 1 FROM usermemory.inbox AS i
        WHERE i.user_id = :user_id AND i.state = 'unread' LIMIT 100) AS unread) AS pending
FROM (SELECT 1 AS one) AS always LEFT JOIN usermemory.profiles AS p ON p.user_id = :user_id;

-- name: recall_beside
-- The chat's: the same, and on demand the unread words, what held before, what waits and what is
-- true for all.
SELECT 'profile' AS kind, p.document AS text, p.revision AS number, p.updated_at AS at,
    NULL AS thread_id, p.stamps, CAST(:now AS DOUBLE PRECISION) AS now,
    (SELECT COUNT(*) FROM (SELECT 1 FROM usermemory.inbox AS i
        WHERE i.user_id = :user_id AND i.state = 'unread' LIMIT 100) AS unread) AS pending
FROM (SELECT 1 AS one) AS always LEFT JOIN usermemory.profiles AS p ON p.user_id = :user_id
UNION ALL
SELECT * FROM (SELECT 'said', SUBSTR(i.text, 1, 2000), i.seq, i.said_at, i.thread_id, NULL, 0, 0
    FROM usermemory.inbox AS i
    WHERE i.user_id = :user_id AND i.state = 'unread' AND i.author = 'user'
      AND i.thread_id <> :thread_id
    ORDER BY i.received_at DESC, i.seq DESC LIMIT :tail) AS said
UNION ALL
SELECT * FROM (SELECT 'earlier', r.changes, r.revision, r.at, r.thread_id, NULL, 0, 0
    FROM usermemory.revisions AS r WHERE r.user_id = :user_id AND r.replaced > 0
      AND r.author <> 'migration'
    ORDER BY r.revision DESC LIMIT :earlier) AS earlier
UNION ALL
SELECT * FROM (SELECT 'waiting', w.changes, w.revision, w.at, w.thread_id, NULL, 0, 0
    FROM usermemory.proposals AS w WHERE w.user_id = :user_id AND w.state = 'waiting'
      AND w.kind = 'change' AND w.expires_at > :now
    ORDER BY w.at DESC LIMIT :waiting) AS waiting
UNION ALL
SELECT 'shared', s.document, s.revision, s.updated_at, NULL, NULL, 0, 0
FROM usermemory.profiles AS s WHERE s.user_id = :shared AND :shared <> :user_id;

-- name: profiles
-- Everybody's profile, page by page, for programs that browse them as a store; no chat does.
SELECT user_id, document, revision, updated_at, stamps, fingerprint FROM usermemory.profiles
WHERE user_id > :after ORDER BY user_id LIMIT :count;

-- name: people
-- Who is known or waits, page by page, for a person who looks: one statement however many there
-- are. When somebody last wrote is looked up for the rows of the page alone.
SELECT page.*, (SELECT MAX(i.received_at) FROM usermemory.inbox AS i
    WHERE i.user_id = page.user_id) AS seen_at
FROM (SELECT u.user_id, u.paused, u.revision, p.updated_at,
        COALESCE(LENGTH(p.document), 0) AS size,
        COALESCE(t.unread, 0) AS unread, COALESCE(t.dead, 0) AS dead,
        CASE WHEN u.lease_until > :now THEN 1 ELSE 0 END AS running,
        CASE WHEN :sort = 'size' THEN COALESCE(LENGTH(p.document), 0)
            WHEN :sort = 'pending' THEN COALESCE(t.unread, 0) + COALESCE(t.dead, 0)
            WHEN :sort = 'seen' AND u.served_at > COALESCE(p.updated_at, 0) THEN u.served_at
            WHEN :sort = 'seen' THEN COALESCE(p.updated_at, 0) ELSE 0 END AS rank
    FROM usermemory.users AS u
    LEFT JOIN usermemory.profiles AS p ON p.user_id = u.user_id
    LEFT JOIN (SELECT user_id, SUM(unread) AS unread, SUM(dead) AS dead FROM usermemory.threads
        WHERE unread > 0 OR dead > 0 GROUP BY user_id) AS t ON t.user_id = u.user_id
    WHERE (p.user_id IS NOT NULL OR t.user_id IS NOT NULL OR u.paused = 1)
      AND (:named = '' OR LOWER(u.user_id) LIKE :named ESCAPE '!')
      AND (:after = '' OR u.user_id > :after)
    ORDER BY rank DESC, u.user_id LIMIT :count OFFSET :skip) AS page
ORDER BY page.rank DESC, page.user_id;

-- name: readings
-- What came of the readings of everybody since a time, the newest of them, for an operator's
-- figures; no chat or worker asks.
SELECT at, outcome, reason, error, rejections, model, usage, seconds
FROM usermemory.consolidations WHERE at >= :since ORDER BY at DESC LIMIT :count;

-- name: waiting_for_provider
-- Threads whose last attempt, or last look, found that the provider cannot be asked.
SELECT COUNT(*) AS threads, MIN(due_at) AS due_at FROM usermemory.threads
WHERE due_at IS NOT NULL AND unread > 0
  AND (SUBSTR(last_error, 1, 7) = 'outage:' OR SUBSTR(last_error, 1, 14) = 'ProviderError:');

-- name: held_leases
-- Who works on whom, for an operator: the longest lease first.
SELECT user_id, lease_by, lease_until FROM usermemory.users
WHERE next_due IS NOT NULL AND lease_until > :now ORDER BY lease_until LIMIT :count;

-- name: next_due
-- When the next user will be due: how long a worker may sleep; and whether an erasure waits for
-- the disk to be cleaned, kept text, a proposal or a kept answer is past its time, or of those who
-- are due last somebody said something in the future, on a host whose clock ran ahead.
SELECT MIN(next_due) AS next_due, CAST(:now AS DOUBLE PRECISION) AS now,
    COALESCE((SELECT MIN(at) FROM usermemory.erasures WHERE cleaned_at IS NULL),
        (SELECT MIN(keep_until) FROM usermemory.inbox
         WHERE state = 'kept' AND keep_until <= :now),
        (SELECT MIN(keep_until) FROM usermemory.shown WHERE keep_until <= :now),
        (SELECT MIN(expires_at) FROM usermemory.proposals
         WHERE state = 'waiting' AND expires_at <= :now),
        (SELECT MIN(at) FROM usermemory.replies WHERE at < :now - 86400.0),
        (SELECT MIN(u.next_due) FROM (SELECT user_id, next_due FROM usermemory.users
            WHERE next_due > :now + 3600 ORDER BY next_due DESC LIMIT 100) AS u
         JOIN usermemory.threads AS t ON t.user_id = u.user_id
         WHERE t.first_at > :now + 60)) AS unclean
FROM usermemory.users WHERE next_due IS NOT NULL;

-- name: claim_due
-- The user who has waited longest. The new token makes every earlier holder's commit void.
UPDATE usermemory.users SET token = token + 1, lease_until = :now + :lease, lease_by = :worker
WHERE user_id = (SELECT user_id FROM usermemory.users
    WHERE next_due IS NOT NULL AND next_due <= :now ORDER BY next_due LIMIT 1 {skip_locked})
RETURNING user_id, token, epoch, revision, salt, spent, spent_day,
    CAST(:now AS DOUBLE PRECISION) AS now;

-- name: leases_of
-- Users whom workers of one host hold, to find those whose worker has died. Whoever is held is
-- next when the lease ends: the index on that is short.
SELECT user_id, token, lease_by FROM usermemory.users
WHERE next_due > :now AND next_due <= :now + :lease AND lease_until > :now AND lease_by LIKE :host;

-- name: claim_user
-- This user, for a trigger, unless somebody holds the lease or the user is paused.
UPDATE usermemory.users SET token = token + 1, lease_until = :now + :lease, lease_by = :worker
WHERE user_id = :user_id AND (lease_until <= :now OR lease_until > :now + 3600) AND paused = 0
RETURNING user_id, token, epoch, revision, salt, spent, spent_day,
    CAST(:now AS DOUBLE PRECISION) AS now;

-- name: due_thread
-- The claimed user's oldest due thread.
SELECT thread_id FROM usermemory.threads
WHERE user_id = :user_id AND due_at IS NOT NULL AND (due_at <= :now OR first_at > :now + 60)
ORDER BY due_at, thread_id LIMIT 1;

-- name: unread_thread
-- Any thread of the user with unread messages, due or not, after the one given: for a trigger.
SELECT thread_id FROM usermemory.threads
WHERE user_id = :user_id AND unread > 0 AND thread_id > :after ORDER BY thread_id LIMIT 1;

-- name: unread
-- The inbox of a thread in order of the conversation.
SELECT seq, author, text, message_id, name, said_at, received_at, part FROM usermemory.inbox
WHERE user_id = :user_id AND thread_id = :thread_id AND state = 'unread'
  AND state <> 'mark' AND state <> 'kept'
ORDER BY position, seq LIMIT :count;

-- name: tail
-- The last messages that were read, as context for the next batch.
SELECT seq, author, text, message_id, name, said_at, received_at, part FROM usermemory.inbox
WHERE user_id = :user_id AND thread_id = :thread_id AND state = 'tail'
  AND state <> 'mark' AND state <> 'kept'
ORDER BY position DESC, seq DESC LIMIT :count;

-- name: profile
-- The profile to start from, with the user's counter, which goes on where a profile was erased.
SELECT p.document, u.revision, p.stamps, p.fingerprint
FROM usermemory.users AS u LEFT JOIN usermemory.profiles AS p ON p.user_id = u.user_id
WHERE u.user_id = :user_id;

-- name: save_profile
-- Only under the user's lock, and only with a revision that explains it.
INSERT INTO usermemory.profiles (user_id, document, revision, updated_at, fingerprint, stamps)
VALUES (:user_id, :document, :revision, :now, :fingerprint, :stamps)
ON CONFLICT (user_id) DO UPDATE SET document = excluded.document, revision = excluded.revision,
    updated_at = excluded.updated_at, fingerprint = excluded.fingerprint, stamps = excluded.stamps;

-- name: save_stamps
-- A value was confirmed, not changed: no new revision.
UPDATE usermemory.profiles SET stamps = :stamps WHERE user_id = :user_id;

-- name: add_revision
-- What was changed, by value; its number is the user's next one.
INSERT INTO usermemory.revisions (user_id, revision, at, author, thread_id, token, changes,
    replaced, model, prompt, usage, undoes, fingerprint)
VALUES (:user_id, :revision, :now, :author, :thread_id, :token, :changes, :replaced, :model,
    :prompt, :usage, :undoes, :fingerprint);

-- name: advance_revision
-- The counter lives with the user, so that an erased profile does not start again at one.
UPDATE usermemory.users SET revision = :revision WHERE user_id = :user_id;

-- name: add_consolidation
-- What came of a claim, and which messages it read.
INSERT INTO usermemory.consolidations (user_id, token, thread_id, at, outcome, reason, error, seqs,
    revision, rejections, model, prompt, usage, seconds)
VALUES (:user_id, :token, :thread_id, :now, :outcome, :reason, :error, :seqs, :revision,
    :rejections, :model, :prompt, :usage, :seconds);

-- name: add_refusals
-- What was proposed in vain, beside the consolidations: it read no message, and counts downwards.
INSERT INTO usermemory.consolidations (user_id, token, thread_id, at, outcome, seqs, rejections,
    usage)
VALUES (:user_id, (SELECT COALESCE(MIN(token), 0) - 1 FROM usermemory.consolidations
        WHERE user_id = :user_id AND token < 0),
    :thread_id, :now, 'proposed', '[]', :rejections, :usage);

-- name: trim_refusals
-- Only the newest are kept; that a batch was read, and what came of it, stays known.
UPDATE usermemory.consolidations SET rejections = '[]'
WHERE user_id = :user_id AND rejections <> '[]' AND at < (
    SELECT MIN(kept.at) FROM (SELECT at FROM usermemory.consolidations
        WHERE user_id = :user_id AND rejections <> '[]' ORDER BY at DESC LIMIT :count) AS kept);

-- name: drop_trimmed
-- What was proposed in vain, and of which nothing is left.
DELETE FROM usermemory.consolidations
WHERE user_id = :user_id AND token < 0 AND rejections = '[]' AND outcome = 'proposed';

-- name: refused
-- What was proposed and not made, the newest first; only where that field is named, if one is.
SELECT thread_id, at, rejections FROM usermemory.consolidations
WHERE user_id = :user_id AND rejections <> '[]'
  AND (:named = '' OR REPLACE(rejections, :named, '') <> rejections)
ORDER BY at DESC, ABS(token) DESC LIMIT :count OFFSET :skip;

-- name: mark_read
-- Exactly the versions that were in the prompt; a text edited since stays unread. What search may
-- have is kept from now on, however long it waited.
UPDATE usermemory.inbox SET state = 'tail',
    keep_until = CASE WHEN keep_until < :now + CAST(:keep_for AS DOUBLE PRECISION)
        THEN :now + CAST(:keep_for AS DOUBLE PRECISION) ELSE keep_until END
WHERE user_id = :user_id AND thread_id = :thread_id AND state = 'unread'
  AND seq IN {numbers seqs};

-- name: trim_tail
-- Read text is kept as far as the next batch needs it, or search may have it; else a mark is left.
UPDATE usermemory.inbox SET
    state = CASE WHEN keep_until > :now THEN 'kept' ELSE 'mark' END,
    text = CASE WHEN keep_until > :now THEN text ELSE '' END,
    name = CASE WHEN keep_until > :now THEN name END
WHERE user_id = :user_id AND thread_id = :thread_id AND state = 'tail'
  AND state <> 'mark' AND state <> 'kept'
  AND position < (
    SELECT MIN(recent.position) FROM (SELECT position FROM usermemory.inbox
        WHERE user_id = :user_id AND thread_id = :thread_id AND state = 'tail'
          AND state <> 'mark' AND state <> 'kept'
        ORDER BY position DESC LIMIT :count) AS recent);

-- name: kept_messages
-- What search looks through, in order of each conversation; what waits is there in any case.
SELECT thread_id, seq, author, name, text, message_id, said_at, digest FROM usermemory.inbox
WHERE user_id = :user_id AND keep_until IS NOT NULL AND state <> 'mark'
  AND (keep_until > :now OR state = 'unread' OR state = 'dead')
ORDER BY thread_id, position, seq;

-- name: expired
-- Whether there is kept text whose time is over, a proposal, something shown, a kept answer, or
-- somebody who is due in a future that a host's clock ran ahead to.
SELECT MIN(over) AS since FROM (
    SELECT MIN(keep_until) AS over FROM usermemory.inbox
    WHERE state = 'kept' AND keep_until <= :now
    UNION ALL
    SELECT MIN(expires_at) AS over FROM usermemory.proposals
    WHERE state = 'waiting' AND expires_at <= :now
    UNION ALL
    SELECT MIN(keep_until) AS over FROM usermemory.shown WHERE keep_until <= :now
    UNION ALL
    SELECT MIN(at) AS over FROM usermemory.replies WHERE at < :now - 86400.0
    UNION ALL
    SELECT MIN(u.next_due) AS over FROM (SELECT user_id, next_due FROM usermemory.users
        WHERE next_due > :now + 3600 ORDER BY next_due DESC LIMIT 100) AS u
    JOIN usermemory.threads AS t ON t.user_id = u.user_id WHERE t.first_at > :now + 60) AS ended;

-- name: expire_kept
-- Text whose time is over, of anybody; marks stay.
UPDATE usermemory.inbox SET state = 'mark', text = '', name = NULL, keep_until = NULL
WHERE state = 'kept' AND keep_until <= :now;

-- name: add_shown
-- What stood in the prompt of an answer; the same answer again, after a replay, counts as new.
INSERT INTO usermemory.shown (user_id, thread_id, message_id, at, keep_until, revision, items)
VALUES (:user_id, :thread_id, :message_id, :now, :now + :keep_for, :revision, :items)
ON CONFLICT (user_id, thread_id, message_id) DO UPDATE SET at = excluded.at,
    keep_until = excluded.keep_until, revision = excluded.revision, items = excluded.items;

-- name: trim_shown
-- Only the newest answers of a user are told.
DELETE FROM usermemory.shown WHERE user_id = :user_id AND at < (
    SELECT MIN(newest.at) FROM (SELECT at FROM usermemory.shown
        WHERE user_id = :user_id ORDER BY at DESC LIMIT :count) AS newest);

-- name: shown
-- What was shown for a message of this id, in one thread or, for an empty one, any.
SELECT thread_id, revision, items FROM usermemory.shown
WHERE user_id = :user_id AND message_id = :message_id
  AND (:thread_id = '' OR thread_id = :thread_id)
ORDER BY at DESC LIMIT 1;

-- name: all_shown
-- What was shown to a user at all, to take out what is erased.
SELECT thread_id, message_id, items FROM usermemory.shown WHERE user_id = :user_id;

-- name: rewrite_shown
-- The same without what was erased.
UPDATE usermemory.shown SET items = :items
WHERE user_id = :user_id AND thread_id = :thread_id AND message_id = :message_id;

-- name: drop_shown
-- Of one answer; of all answers of a thread for an empty message, and of the user for no thread.
DELETE FROM usermemory.shown WHERE user_id = :user_id
  AND (:thread_id = '' OR thread_id = :thread_id)
  AND (:message_id = '' OR message_id = :message_id);

-- name: drop_shown_rows
-- Of an answer that the inbox has as one of these rows.
DELETE FROM usermemory.shown WHERE user_id = :user_id AND thread_id = :thread_id
  AND message_id IN (SELECT message_id FROM usermemory.inbox
    WHERE user_id = :user_id AND thread_id = :thread_id AND seq IN {numbers seqs});

-- name: expire_shown
-- Of anybody's answers whose time is over.
DELETE FROM usermemory.shown WHERE keep_until <= :now;

-- name: bury
-- The turn that makes the model fail waits for a person; the others of its thread go on.
UPDATE usermemory.inbox SET state = 'dead'
WHERE user_id = :user_id AND thread_id = :thread_id AND state = 'unread'
  AND seq IN {numbers seqs} RETURNING seq;

-- name: unbury
-- A person wants them tried again.
UPDATE usermemory.inbox SET state = 'unread'
WHERE user_id = :user_id AND thread_id = :thread_id AND state = 'dead'
  AND state <> 'mark' AND state <> 'kept';

-- name: forget_unread
-- A dropped job: its messages are seen, and nobody will read them.
UPDATE usermemory.inbox SET state = 'mark', text = '', name = NULL
WHERE user_id = :user_id AND thread_id = :thread_id AND state IN ('unread', 'dead')
  AND state <> 'mark' AND state <> 'kept';

-- name: inbox_size
-- What is left in a thread's inbox, after a batch was read.
SELECT COUNT(*) AS unread, COALESCE(SUM(LENGTH(text)), 0) AS unread_chars,
    MIN(received_at) AS first_at
FROM usermemory.inbox
WHERE user_id = :user_id AND thread_id = :thread_id AND state = 'unread'
  AND state <> 'mark' AND state <> 'kept';

-- name: release_user
-- The lease ends; the user goes behind those who have been waiting.
UPDATE usermemory.users SET lease_until = 0, lease_by = '', served_at = :now
WHERE user_id = :user_id AND token = :token;

-- name: renew_lease
-- The model takes its time: the lease must not run out under a living worker.
UPDATE usermemory.users SET lease_until = :now + :lease,
    next_due = CASE WHEN next_due < :now + :lease THEN :now + :lease ELSE next_due END
WHERE user_id = :user_id AND token = :token RETURNING token;

-- name: spend
-- What a consolidation cost, against the user's budget of the day.
UPDATE usermemory.users SET spent = :tokens + CASE WHEN spent_day = :day THEN spent ELSE 0 END,
    spent_day = :day
WHERE user_id = :user_id;

-- name: pause_user
-- No learning until resumed; what is said meanwhile is only marked as seen.
UPDATE usermemory.users SET paused = :paused WHERE user_id = :user_id;

-- name: is_paused
-- Why a user could not be claimed.
SELECT paused FROM usermemory.users WHERE user_id = :user_id;

-- name: users_with_unread
-- Everybody whose messages wait, for a trigger of all.
SELECT DISTINCT user_id FROM usermemory.threads
WHERE unread > 0 AND user_id > :after ORDER BY user_id LIMIT :count;

-- name: jobs
-- What waits, runs or is dead, the most urgent first.
SELECT t.user_id, t.thread_id, t.state, t.due_at, t.unread, t.dead, t.attempts, t.last_error,
    CASE WHEN u.lease_until > :now THEN 1 ELSE 0 END AS running
FROM usermemory.threads AS t JOIN usermemory.users AS u ON u.user_id = t.user_id
WHERE (t.unread > 0 OR t.dead > 0)
  AND (:state = '' OR t.state = :state OR (:state = 'dead' AND t.dead > 0))
  AND (:user_id = '' OR t.user_id = :user_id)
ORDER BY CASE WHEN t.due_at IS NULL THEN 1 ELSE 0 END, t.due_at, t.user_id, t.thread_id
LIMIT :count;

-- name: history
-- The revisions of a user, the newest first.
SELECT revision, at, author, thread_id, changes, model, prompt, usage, undoes, fingerprint
FROM usermemory.revisions WHERE user_id = :user_id AND revision < :before ORDER BY revision DESC LIMIT :count;

-- name: costs
-- What each reading of everybody cost, page by page, for a look at a bill; no chat or worker asks.
SELECT user_id, token, at, model, usage FROM usermemory.consolidations
WHERE (user_id, token) > (:after, :token) AND outcome <> 'proposed' AND at >= :since AND at < :until
ORDER BY user_id, token LIMIT :count;

-- name: costs_of
-- The same of one user.
SELECT user_id, token, at, model, usage FROM usermemory.consolidations
WHERE user_id = :user_id AND token > :token AND outcome <> 'proposed' AND at >= :since AND at < :until
ORDER BY token LIMIT :count;

-- name: figures
-- What an operator watches; each part reads only what an index holds of waiting, running and dead.
SELECT due.waiting, due.oldest, CAST(:now AS DOUBLE PRECISION) AS now,
    (SELECT COUNT(*) FROM usermemory.users
        WHERE next_due IS NOT NULL AND lease_until > :now) AS running,
    (SELECT COUNT(*) FROM usermemory.threads WHERE state = 'dead' OR dead > 0) AS dead
FROM (SELECT COUNT(*) AS waiting, MIN(t.due_at) AS oldest
    FROM usermemory.threads AS t JOIN usermemory.users AS u ON u.user_id = t.user_id
    WHERE t.due_at IS NOT NULL AND u.paused = 0) AS due;

-- name: add_epoch
-- Whoever is thinking about this user now may not write what comes of it.
UPDATE usermemory.users SET epoch = epoch + 1 WHERE user_id = :user_id RETURNING epoch;

-- name: tombstones
-- What was erased and must not come back from words received before; all of it, or one field's.
SELECT field, digest, words, erased_at, hashed_as FROM usermemory.tombstones
WHERE user_id = :user_id;

-- name: buried_fields
-- Fields of which something was erased, of anybody: a migration takes that along.
SELECT DISTINCT field FROM usermemory.tombstones WHERE field <> '';

-- name: carry_tombstones
-- What was erased of one field must not come back in another one that takes its values over.
INSERT INTO usermemory.tombstones (user_id, field, digest, words, erased_at, hashed_as)
SELECT user_id, CAST(:new AS TEXT), digest, words, erased_at,
    CASE hashed_as WHEN '' THEN field ELSE hashed_as END
FROM usermemory.tombstones WHERE field = :old
ON CONFLICT (user_id, field, digest) DO UPDATE SET erased_at = excluded.erased_at;

-- name: add_tombstone
-- Erased again, it covers the time in between too.
INSERT INTO usermemory.tombstones (user_id, field, digest, words, erased_at)
VALUES (:user_id, :field, :digest, :words, :now)
ON CONFLICT (user_id, field, digest) DO UPDATE SET erased_at = excluded.erased_at;

-- name: kept_words
-- Every message of which text is left, to take an erased value out of it.
SELECT thread_id, seq, message_id, author, text, state FROM usermemory.inbox
WHERE user_id = :user_id AND state <> 'mark' ORDER BY thread_id, position, seq;

-- name: numbers_of
-- As which rows a message came: each of its parts and versions has its own.
SELECT seq FROM usermemory.inbox
WHERE user_id = :user_id AND thread_id = :thread_id AND message_id = :message_id;

-- name: dead_messages
-- How many of a thread's messages wait for a person.
SELECT COUNT(*) AS dead FROM usermemory.inbox
WHERE user_id = :user_id AND thread_id = :thread_id AND state = 'dead'
  AND state <> 'mark' AND state <> 'kept';

-- name: mask_message
-- The message stays what it is, but for the erased span.
UPDATE usermemory.inbox SET text = :text
WHERE user_id = :user_id AND thread_id = :thread_id AND seq = :seq;

-- name: empty_message
-- Nothing is left of it but the mark that it was seen.
UPDATE usermemory.inbox SET state = 'mark', text = '', name = NULL
WHERE user_id = :user_id AND thread_id = :thread_id AND seq = :seq;

-- name: rewrite_revision
-- A past revision without what was erased.
UPDATE usermemory.revisions SET changes = :changes, replaced = :replaced
WHERE user_id = :user_id AND revision = :revision;

-- name: refusals
-- What was proposed and refused, which may quote the erased value too.
SELECT token, thread_id, seqs, rejections, error FROM usermemory.consolidations
WHERE user_id = :user_id AND (rejections <> '[]' OR error <> '');

-- name: rewrite_refusals
-- The same without what was erased.
UPDATE usermemory.consolidations SET rejections = :rejections, error = :error
WHERE user_id = :user_id AND token = :token;

-- name: forget_errors
-- An error's text is never the conversation's; but nobody can know what a provider repeats.
UPDATE usermemory.threads SET last_error = '' WHERE user_id = :user_id;

-- name: empty_inbox
-- Of a user who is erased only marks are left, so that an open thread teaches nothing anew.
UPDATE usermemory.inbox SET state = 'mark', text = '', name = NULL
WHERE user_id = :user_id AND state <> 'mark';

-- name: idle_threads
-- Nothing is left to read.
UPDATE usermemory.threads SET state = 'idle', due_at = NULL, first_at = NULL, unread = 0,
    unread_chars = 0, at_most = NULL, dead = 0, attempts = 0, not_before = 0, last_error = ''
WHERE user_id = :user_id;

-- name: threads_of
-- Which threads of a user are known.
SELECT thread_id FROM usermemory.threads WHERE user_id = :user_id ORDER BY thread_id;

-- name: drop_profile
-- The user's counters stay behind: a worker that is still thinking must not restore it.
DELETE FROM usermemory.profiles WHERE user_id = :user_id;

-- name: drop_revisions
-- The same for its history.
DELETE FROM usermemory.revisions WHERE user_id = :user_id;

-- name: drop_consolidations
-- The same for what came of each batch.
DELETE FROM usermemory.consolidations WHERE user_id = :user_id;

-- name: drop_tombstones
-- One that covers everything takes their place.
DELETE FROM usermemory.tombstones WHERE user_id = :user_id;

-- name: add_erasure
-- Until the disk is cleaned it is pending.
INSERT INTO usermemory.erasures (user_id, epoch, at) VALUES (:user_id, :epoch, :now);

-- name: newest_erasure
-- Up to which erasure the disk is about to be cleaned.
SELECT MAX(at) AS at FROM usermemory.erasures WHERE cleaned_at IS NULL;

-- name: erasures_cleaned
-- Those that were committed before the cleaning began.
UPDATE usermemory.erasures SET cleaned_at = :now WHERE cleaned_at IS NULL AND at <= :began;

-- name: add_token
-- Of the secret only its digest is stored.
INSERT INTO usermemory.tokens (token_id, digest, name, user_id, read_only, created_at, expires_at)
VALUES (:token_id, :digest, :name, :user_id, :read_only, :now, :expires_at);

-- name: token
-- A token by its public part; whether the secret fits, and whether it is expired, code decides.
SELECT token_id, digest, name, user_id, read_only, created_at, expires_at
FROM usermemory.tokens WHERE token_id = :token_id;

-- name: tokens
-- All of them, the oldest first.
SELECT token_id, digest, name, user_id, read_only, created_at, expires_at
FROM usermemory.tokens ORDER BY created_at, token_id;

-- name: drop_token
-- A revoked token is gone.
DELETE FROM usermemory.tokens WHERE token_id = :token_id RETURNING token_id;

-- name: add_signing_key
-- Of several processes that make one at once, the first wins.
INSERT INTO usermemory.signing (name, secret) VALUES ('links', :secret)
ON CONFLICT (name) DO NOTHING;

-- name: signing_key
-- What signs links.
SELECT secret FROM usermemory.signing WHERE name = 'links';

-- name: drop_signing_key
-- Every link that it signed is void, so nothing has to be known of single ones.
DELETE FROM usermemory.signing;

-- name: mark_links
-- Ends one link, or those of one user that were made before.
INSERT INTO usermemory.signing (name, secret) VALUES (:name, :secret)
ON CONFLICT (name) DO UPDATE SET secret = :secret;

-- name: link_marks
-- What has ended a link: itself, or a later generation of its user's.
SELECT name, secret FROM usermemory.signing WHERE name = :link OR name = :whose;

-- name: put_clocks_right
-- Who said something in the future is due now, but for those whom a worker holds.
UPDATE usermemory.users SET next_due = :now
WHERE (lease_until <= :now OR lease_until > :now + 3600) AND user_id IN (
    SELECT u.user_id FROM (SELECT user_id FROM usermemory.users
        WHERE next_due > :now + 3600 ORDER BY next_due DESC LIMIT 100) AS u
    JOIN usermemory.threads AS t ON t.user_id = u.user_id WHERE t.first_at > :now + 60);

-- name: drop_old_replies
-- A day is over. Not sooner where there is no answer: its process may have been killed after the
-- change.
DELETE FROM usermemory.replies WHERE at < :now - 86400.0;

-- name: begin_reply
-- Of several requests with one key the first is served.
INSERT INTO usermemory.replies (place, user_id, digest, at)
VALUES (:place, :user_id, :digest, :now) ON CONFLICT (place) DO NOTHING RETURNING place;

-- name: reply
-- What was answered, or that it is being worked out.
SELECT digest, status, body FROM usermemory.replies WHERE place = :place;

-- name: keep_reply
-- Unless something of the user was erased meanwhile: the answer may hold it.
UPDATE usermemory.replies SET status = :status, body = CASE WHEN void = 0 THEN :body END
WHERE place = :place;

-- name: drop_reply
-- The request failed: it may be sent again, mended.
DELETE FROM usermemory.replies WHERE place = :place;

-- name: void_replies
-- With an erasure: what was answered, or is about to be, may hold what is erased; an answer about
-- everybody names users.
UPDATE usermemory.replies SET body = NULL, void = 1 WHERE user_id = :user_id OR user_id = '';

-- name: add_proposal
-- Not where the same waits already, nor where it was declined on the same words. What has expired
-- waits no longer, though it may not be cleaned away yet.
INSERT INTO usermemory.proposals AS old (user_id, proposal_id, kind, subject, changes, why, author,
    thread_id, model, revision, at, expires_at)
SELECT :user_id, CAST(:proposal_id AS TEXT), CAST(:kind AS TEXT), CAST(:subject AS TEXT),
    CAST(:changes AS TEXT), CAST(:why AS TEXT), CAST(:author AS TEXT), CAST(:thread_id AS TEXT),
    CAST(:model AS TEXT), CAST(:revision AS BIGINT), CAST(:at AS DOUBLE PRECISION),
    CAST(:expires_at AS DOUBLE PRECISION)
WHERE NOT EXISTS (SELECT 1 FROM usermemory.proposals
    WHERE user_id = :user_id AND state = 'waiting' AND subject = CAST(:subject AS TEXT)
      AND expires_at > :now)
ON CONFLICT (user_id, proposal_id) DO UPDATE SET kind = excluded.kind, why = excluded.why,
    changes = excluded.changes, author = excluded.author, thread_id = excluded.thread_id,
    model = excluded.model, revision = excluded.revision, at = excluded.at,
    expires_at = excluded.expires_at
WHERE old.state = 'waiting' AND old.expires_at <= :now RETURNING proposal_id;

-- name: waits_already
-- The proposal beside which the same was not stored again; none where it was declined.
SELECT proposal_id FROM usermemory.proposals
WHERE user_id = :user_id AND state = 'waiting' AND expires_at > :now
  AND (proposal_id = :proposal_id OR subject = :subject) LIMIT 1;

-- name: proposals_of
-- What waits of one user, the oldest first.
SELECT * FROM usermemory.proposals
WHERE user_id = :user_id AND state = 'waiting' AND expires_at > :now
ORDER BY at, proposal_id LIMIT :count;

-- name: proposals_stored
-- What of one user is stored, expired or not: an erasure looks into all of it.
SELECT * FROM usermemory.proposals
WHERE user_id = :user_id AND state = 'waiting' ORDER BY at, proposal_id LIMIT :count;

-- name: proposals
-- What waits of anybody, the oldest first.
SELECT * FROM usermemory.proposals WHERE state = 'waiting' AND expires_at > :now
ORDER BY at, user_id, proposal_id LIMIT :count;

-- name: proposal
-- One that waits.
SELECT * FROM usermemory.proposals
WHERE proposal_id = :proposal_id AND state = 'waiting' AND expires_at > :now
  AND (:user_id = '' OR user_id = :user_id);

-- name: decline_proposal
-- Nothing is left of it but that these words proposed it.
UPDATE usermemory.proposals SET state = 'declined', changes = '[]', why = '', subject = '',
    thread_id = ''
WHERE user_id = :user_id AND proposal_id = :proposal_id AND state = 'waiting'
RETURNING proposal_id;

-- name: drop_proposal
-- It was made, or rests on words that were erased.
DELETE FROM usermemory.proposals
WHERE user_id = :user_id AND proposal_id = :proposal_id AND state = 'waiting'
RETURNING proposal_id;

-- name: drop_proposals
-- Of a user who is erased.
DELETE FROM usermemory.proposals WHERE user_id = :user_id;

-- name: drop_expired_proposals
-- What nobody decided on in time, of anybody.
DELETE FROM usermemory.proposals WHERE state = 'waiting' AND expires_at <= :now;

-- name: add_tidied
-- A tidy pass, beside the consolidations: it read no message, and counts downwards.
INSERT INTO usermemory.consolidations (user_id, token, thread_id, at, outcome, seqs, revision,
    rejections, model, prompt, usage)
VALUES (:user_id, (SELECT COALESCE(MIN(token), 0) - 1 FROM usermemory.consolidations
        WHERE user_id = :user_id AND token < 0),
    '', :now, 'tidied', '[]', :revision, :rejections, :model, :prompt, :usage);

-- name: due_to_tidy
-- Users whose profile is long, or has not been looked at for long, and who are not paused.
SELECT p.user_id FROM usermemory.profiles AS p
JOIN usermemory.users AS u ON u.user_id = p.user_id
WHERE p.user_id > :after AND u.paused = 0
  AND ((LENGTH(p.document) >= :long AND NOT EXISTS (SELECT 1 FROM usermemory.consolidations AS c
        WHERE c.user_id = p.user_id AND c.outcome = 'tidied' AND c.revision >= p.revision))
    OR (EXISTS (SELECT 1 FROM usermemory.revisions AS r
            WHERE r.user_id = p.user_id AND r.at <= :now - :age)
        AND NOT EXISTS (SELECT 1 FROM usermemory.consolidations AS c
            WHERE c.user_id = p.user_id AND c.outcome = 'tidied' AND c.at > :now - :age)))
ORDER BY p.user_id LIMIT :count;
