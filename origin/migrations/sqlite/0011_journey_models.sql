-- Conversion models that were fitted on a shop's own sessions: every try, also those that were no better.
CREATE TABLE journey_models (
    shop_id  TEXT   NOT NULL,
    number   BIGINT NOT NULL,
    tried_at BIGINT NOT NULL,
    state    TEXT   NOT NULL CHECK (state IN ('published', 'beaten')),
    model    TEXT   NOT NULL, -- JSON
    figures  TEXT   NOT NULL, -- JSON: how good it is, and how good the one in service was
    PRIMARY KEY (shop_id, number)
) WITHOUT ROWID;

-- When a shop's model is due; a node takes it by moving the time.
CREATE TABLE journey_fits (
    shop_id TEXT   NOT NULL PRIMARY KEY,
    next_at BIGINT NOT NULL
) WITHOUT ROWID;

CREATE INDEX journeys_by_time ON journeys (shop_id, last_at);
