-- Refused changes are listed. It only expands: code of version 1 serves these tables too.
-- oldest code: 1

-- What was refused stays in consolidations, where every erasure, by code of any version, finds it.
-- A row with a token below 0 is no consolidation: it holds what programs and tools proposed in
-- vain, has read no message, and counts downwards from -1.
CREATE INDEX usermemory_consolidations_refused ON usermemory.consolidations (user_id, at)
    WHERE rejections <> '[]';
