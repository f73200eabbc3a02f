-- The ground: shops, their keys and users, the event log and what is projected from it.
--
-- Shared rules with postgres/0001_ground.sql, which has the same tables and columns:
--   * shop_id leads every primary key and index, because every query starts from a shop. The exceptions
--     are the ways to find out which shop it is: slug, key hash and user identifier;
--   * times are BIGINT epoch milliseconds, money is BIGINT minor units, JSON is TEXT;
--   * migrations only expand. What is dropped is dropped a release later.

CREATE TABLE shops (
    id              TEXT   NOT NULL PRIMARY KEY,
    slug            TEXT   NOT NULL UNIQUE,
    name            TEXT   NOT NULL,
    timezone        TEXT   NOT NULL,
    currency        TEXT   NOT NULL,
    settings        TEXT   NOT NULL, -- JSON: excluded products, allowed origins, locale, …
    salt            TEXT   NOT NULL, -- 32 random bytes as hex; keys the hashes of addresses, devices and emails
    identity_secret TEXT   NOT NULL, -- the shop's back end proves an email with it
    created_at      BIGINT NOT NULL
);

CREATE TABLE keys (
    shop_id    TEXT   NOT NULL REFERENCES shops (id),
    id         TEXT   NOT NULL,
    kind       TEXT   NOT NULL CHECK (kind IN ('publishable', 'secret')),
    hash       TEXT   NOT NULL UNIQUE, -- SHA-256 of the whole key as hex; the key itself is shown once
    label      TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    PRIMARY KEY (shop_id, id)
);

CREATE TABLE users (
    shop_id       TEXT   NOT NULL REFERENCES shops (id),
    id            TEXT   NOT NULL,
    identifier    TEXT   NOT NULL UNIQUE,
    password_hash TEXT   NOT NULL, -- argon2id, PHC string
    role          TEXT   NOT NULL CHECK (role IN ('owner', 'admin', 'analyst', 'support')),
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (shop_id, id)
);

-- The log. `seq` is the order of arrival; a cursor is the last `seq` that was read. It is SQLite's row
-- id, so it ends every index by itself.
CREATE TABLE events (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    shop_id      TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    kind         TEXT   NOT NULL, -- track, page, identify, …
    name         TEXT,            -- a track event's name
    at           BIGINT NOT NULL, -- when it happened, corrected for the client's clock
    received_at  BIGINT NOT NULL, -- when the edge took it
    stored_at    BIGINT NOT NULL, -- when the origin appended it
    anonymous_id TEXT,
    user_id      TEXT,
    session_id   TEXT,
    email_hash   TEXT,
    email        TEXT,
    fingerprint  TEXT,            -- salted hash, never the raw value
    ip           TEXT,            -- salted hash, never the raw value
    body         TEXT   NOT NULL, -- the whole event as JSON
    UNIQUE (shop_id, id)
);
CREATE INDEX events_by_arrival ON events (shop_id);
CREATE INDEX events_by_kind ON events (shop_id, kind);
CREATE INDEX events_by_name ON events (shop_id, name) WHERE name IS NOT NULL;
CREATE INDEX events_by_session ON events (shop_id, session_id) WHERE session_id IS NOT NULL;
CREATE INDEX events_by_email ON events (shop_id, email_hash) WHERE email_hash IS NOT NULL;
CREATE INDEX events_by_user ON events (shop_id, user_id) WHERE user_id IS NOT NULL;
CREATE INDEX events_by_time ON events (shop_id, at);

-- What an edge sent and the log will never take, kept for whoever looks for it. A retry is the same row.
CREATE TABLE rejected_events (
    shop_id     TEXT   NOT NULL, -- empty where not even the shop could be read
    body_hash   TEXT   NOT NULL, -- SHA-256 as hex
    body        TEXT   NOT NULL, -- as it was sent
    reason      TEXT   NOT NULL,
    rejected_at BIGINT NOT NULL,
    PRIMARY KEY (shop_id, body_hash)
);

CREATE TABLE devices (
    shop_id     TEXT   NOT NULL,
    kind        TEXT   NOT NULL CHECK (kind IN ('fingerprint', 'ip')),
    hash        TEXT   NOT NULL,
    email_hash  TEXT,
    trust       TEXT   CHECK (trust IN ('address', 'claimed', 'verified')),
    version     BIGINT NOT NULL,
    visit_count BIGINT NOT NULL,
    geo_country TEXT,
    geo_city    TEXT,
    first_seen  BIGINT NOT NULL,
    last_seen   BIGINT NOT NULL,
    PRIMARY KEY (shop_id, kind, hash)
);
CREATE INDEX devices_by_email ON devices (shop_id, email_hash) WHERE email_hash IS NOT NULL;

CREATE TABLE customers (
    shop_id     TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    number      BIGINT NOT NULL, -- the integer that the contract shows
    email_hash  TEXT   NOT NULL,
    email       TEXT   NOT NULL,
    external_id TEXT,            -- the id in the shop's own system
    first_name  TEXT,
    last_name   TEXT,
    fingerprint TEXT,            -- salted hash, of the device seen last; with the next four a projection of the log
    ip          TEXT,            -- salted hash, likewise
    geo_country TEXT,
    geo_city    TEXT,
    seen_at     BIGINT,
    version     BIGINT NOT NULL, -- grows with every change that an edge must hear of
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (shop_id, id),
    UNIQUE (shop_id, email_hash),
    UNIQUE (shop_id, number)
);
CREATE INDEX customers_by_external_id ON customers (shop_id, external_id) WHERE external_id IS NOT NULL;

CREATE TABLE profiles (
    shop_id         TEXT             NOT NULL,
    customer_id     TEXT             NOT NULL,
    body            TEXT             NOT NULL, -- the shared Profile as JSON
    score           DOUBLE PRECISION NOT NULL,
    recalculated_at BIGINT           NOT NULL,
    created_at      BIGINT           NOT NULL,
    updated_at      BIGINT           NOT NULL,
    PRIMARY KEY (shop_id, customer_id)
);

CREATE TABLE orders (
    shop_id     TEXT   NOT NULL,
    order_id    TEXT   NOT NULL,
    number      TEXT   NOT NULL,
    customer_id TEXT   NOT NULL,
    status      TEXT   NOT NULL,
    ordered_at  BIGINT NOT NULL,
    currency    TEXT   NOT NULL,
    total_minor BIGINT NOT NULL,
    body_hash   TEXT   NOT NULL, -- an order sent again unchanged changes nothing
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (shop_id, order_id)
);
CREATE INDEX orders_by_customer ON orders (shop_id, customer_id, ordered_at);

CREATE TABLE order_items (
    shop_id          TEXT   NOT NULL,
    order_id         TEXT   NOT NULL,
    line             BIGINT NOT NULL,
    product_id       TEXT   NOT NULL,
    name             TEXT   NOT NULL,
    slug             TEXT   NOT NULL,
    quantity         BIGINT NOT NULL,
    unit_price_minor BIGINT NOT NULL,
    PRIMARY KEY (shop_id, order_id, line),
    FOREIGN KEY (shop_id, order_id) REFERENCES orders (shop_id, order_id) ON DELETE CASCADE
);

CREATE TABLE products (
    shop_id          TEXT   NOT NULL,
    product_id       TEXT   NOT NULL,
    name             TEXT   NOT NULL,
    slug             TEXT   NOT NULL,
    unit_price_minor BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    PRIMARY KEY (shop_id, product_id)
);

CREATE TABLE offers (
    shop_id      TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    number       BIGINT NOT NULL, -- the integer that the contract shows
    customer_id  TEXT   NOT NULL,
    status       TEXT   NOT NULL CHECK (status IN
                     ('pending', 'viewed', 'added_to_cart', 'purchased', 'rejected', 'expired')),
    body         TEXT   NOT NULL, -- the shared Offer as JSON
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    viewed_at    BIGINT,
    responded_at BIGINT,
    updated_at   BIGINT NOT NULL,
    PRIMARY KEY (shop_id, id),
    UNIQUE (shop_id, number)
);
-- At most one active offer for a customer, also under concurrent calls.
CREATE UNIQUE INDEX offers_active ON offers (shop_id, customer_id)
    WHERE status IN ('pending', 'viewed', 'added_to_cart');
CREATE INDEX offers_by_customer ON offers (shop_id, customer_id, created_at);
CREATE INDEX offers_by_expiry ON offers (shop_id, expires_at)
    WHERE status IN ('pending', 'viewed', 'added_to_cart');

CREATE TABLE counters (
    shop_id TEXT   NOT NULL,
    name    TEXT   NOT NULL,
    value   BIGINT NOT NULL,
    PRIMARY KEY (shop_id, name)
);

-- What the edges must still be told. One row for each edge and subject: a newer change replaces an older
-- one that has not gone out yet.
CREATE TABLE edge_pushes (
    edge       TEXT   NOT NULL, -- base URL
    shop_id    TEXT   NOT NULL,
    subject    TEXT   NOT NULL, -- customer:<email hash>, fingerprint:<hash>, ip:<hash>, key:<key hash or slug>
    version    BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    attempts   BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    PRIMARY KEY (shop_id, edge, subject)
);
-- The sender works for all shops at once, so this index starts with the edge.
CREATE INDEX edge_pushes_due ON edge_pushes (edge, not_before);
