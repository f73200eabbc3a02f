-- Rights over one's own data: what people allow, what was erased, and what they were given of it.

-- What people allow. Every word is kept, because a shop must be able to prove it; the latest one counts.
CREATE TABLE consents (
    shop_id     TEXT    NOT NULL,
    subject     TEXT    NOT NULL, -- email:<keyed hash> or browser:<keyed hash>
    purpose     TEXT    NOT NULL CHECK (purpose IN ('tracking', 'personalization', 'email')),
    at          BIGINT  NOT NULL, -- when it was decided
    granted     BOOLEAN NOT NULL,
    source      TEXT    NOT NULL, -- where it was decided
    recorded_at BIGINT  NOT NULL,
    PRIMARY KEY (shop_id, subject, purpose, at)
);

-- Erasures, without a word on whom they were about.
CREATE TABLE erasures (
    shop_id  TEXT   NOT NULL,
    id       TEXT   NOT NULL,
    policy   TEXT   NOT NULL CHECK (policy IN ('anonymize', 'erase')),
    at       BIGINT NOT NULL,
    counts   TEXT   NOT NULL, -- JSON: rows by kind
    job_id   TEXT,            -- the job that looks through what only can be looked through
    swept_at BIGINT,          -- when that was done
    PRIMARY KEY (shop_id, id)
);

-- By what somebody who was erased is known again, should a word of theirs from before come late or come back: keyed
-- digests that are used for nothing else.
CREATE TABLE erased_keys (
    shop_id    TEXT   NOT NULL,
    digest     TEXT   NOT NULL,
    erasure_id TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (shop_id, digest)
);

-- What people were given of their data, until it is over.
CREATE TABLE privacy_exports (
    shop_id    TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    email_hash TEXT   NOT NULL,
    job_id     TEXT   NOT NULL,
    bytes      BIGINT,          -- once it is made
    created_at BIGINT NOT NULL,
    made_at    BIGINT,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (shop_id, id)
);

CREATE TABLE privacy_export_pieces (
    shop_id   TEXT   NOT NULL,
    export_id TEXT   NOT NULL,
    number    BIGINT NOT NULL,
    bytes     BYTEA  NOT NULL,
    PRIMARY KEY (shop_id, export_id, number)
);

-- Up to when the log has nobody's events any more: what happened before is kept without its people.
CREATE TABLE retention (
    shop_id TEXT   NOT NULL PRIMARY KEY,
    until   BIGINT NOT NULL
);

-- All that a browser did has to be found when its person asks.
CREATE INDEX events_by_browser ON events (shop_id, anonymous_id, seq) WHERE anonymous_id IS NOT NULL;
