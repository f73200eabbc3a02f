-- Where shops want to hear of what happens, and what is on its way there.
CREATE TABLE webhooks (
    shop_id    TEXT   NOT NULL REFERENCES shops (id),
    id         TEXT   NOT NULL,
    url        TEXT   NOT NULL,
    types      TEXT   NOT NULL, -- JSON: the types of events that are wanted; an empty list is all
    secret     TEXT   NOT NULL, -- as it is, since we sign with it; it opens nothing here
    state      TEXT   NOT NULL CHECK (state IN ('active', 'gone')),
    created_at BIGINT NOT NULL,
    succeeded_at BIGINT,
    failed_at  BIGINT,
    fault      TEXT,            -- what went wrong last
    PRIMARY KEY (shop_id, id)
);

CREATE TABLE deliveries (
    place      BIGSERIAL PRIMARY KEY, -- in the sequence in which things happened
    shop_id    TEXT   NOT NULL,
    webhook_id TEXT   NOT NULL,
    event_id   TEXT   NOT NULL,
    session_id TEXT   NOT NULL,
    type       TEXT   NOT NULL,
    body       TEXT   NOT NULL,
    state      TEXT   NOT NULL CHECK (state IN ('pending', 'delivered', 'parked')),
    made_at    BIGINT NOT NULL,
    attempts   BIGINT NOT NULL,
    next_at    BIGINT NOT NULL, -- when it may be tried next; who takes it moves this first
    until      BIGINT NOT NULL, -- when it is given up
    done_at    BIGINT,
    fault      TEXT,
    UNIQUE (shop_id, webhook_id, event_id)
);
CREATE INDEX deliveries_due ON deliveries (next_at) WHERE state = 'pending';
CREATE INDEX deliveries_of_session ON deliveries (shop_id, webhook_id, session_id, place) WHERE state = 'pending';
CREATE INDEX deliveries_by_state ON deliveries (shop_id, webhook_id, state, place);
