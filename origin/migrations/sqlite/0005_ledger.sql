-- Which acceptance each event came from, so that a batch whose receipt was lost gets the same verdicts again.
ALTER TABLE events ADD COLUMN outbox TEXT;         -- the edge's outbox; null for the origin's own events
ALTER TABLE events ADD COLUMN outbox_handle BIGINT;

-- How many events of each outbox are in the log, counted in the transaction that appends them.
CREATE TABLE outbox_counts (
    shop_id TEXT   NOT NULL,
    outbox  TEXT   NOT NULL,
    stored  BIGINT NOT NULL,
    PRIMARY KEY (shop_id, outbox)
);

-- Events accepted in each hour, to tell a shop that has fallen silent from one that sleeps.
CREATE TABLE intake_hours (
    shop_id TEXT   NOT NULL,
    hour    BIGINT NOT NULL, -- hours since 1970, by the time of acceptance
    events  BIGINT NOT NULL,
    PRIMARY KEY (shop_id, hour)
);

-- Why an event was rejected, as a word for programs; `reason` is for people.
ALTER TABLE rejected_events ADD COLUMN code TEXT NOT NULL DEFAULT 'invalid_event'
    CHECK (code IN ('invalid_event', 'unknown_shop', 'not_storable'));
CREATE INDEX rejected_events_by_time ON rejected_events (shop_id, rejected_at);
