-- WooCommerce: how a shop is connected, what it said last, and which browsers said that they ordered.

-- Both secrets stand here in the clear: a signature is checked with the secret itself, and the shop's API
-- asks for it, so neither can be a hash.
CREATE TABLE woocommerce_connections (
    shop_id         TEXT   NOT NULL PRIMARY KEY REFERENCES shops (id),
    webhook_secret  TEXT,
    url             TEXT,            -- base URL of the shop; with the next two for reading its API
    consumer_key    TEXT,
    consumer_secret TEXT,
    next_run_at     BIGINT NOT NULL, -- when the scheduled reconcile is due
    updated_at      BIGINT NOT NULL
);

-- The newest word on each thing of the shop, so that an older one that comes late changes nothing.
CREATE TABLE woocommerce_versions (
    shop_id     TEXT   NOT NULL,
    resource    TEXT   NOT NULL CHECK (resource IN ('order', 'product')),
    resource_id TEXT   NOT NULL,
    modified_at BIGINT NOT NULL, -- by the shop's clock; 0 where only its deletion is known
    deleted_at  BIGINT,          -- by our clock: a deletion tells no time
    PRIMARY KEY (shop_id, resource, resource_id)
);

-- Deliveries of the last weeks, so that a replayed deletion does nothing.
CREATE TABLE woocommerce_deliveries (
    shop_id     TEXT   NOT NULL,
    delivery    TEXT   NOT NULL, -- SHA-256 as hex over delivery id, topic and body
    received_at BIGINT NOT NULL,
    PRIMARY KEY (shop_id, delivery)
);
CREATE INDEX woocommerce_deliveries_by_time ON woocommerce_deliveries (shop_id, received_at);

-- How far the reading of each list of the shop's API is. A killed reading goes on at its page.
CREATE TABLE woocommerce_passes (
    shop_id        TEXT   NOT NULL,
    resource       TEXT   NOT NULL CHECK (resource IN ('products', 'orders', 'trash', 'customers')),
    modified_after BIGINT,          -- what this pass asks for; empty for everything
    began_at       BIGINT,          -- by the shop's clock; empty where no pass is under way
    page           BIGINT NOT NULL, -- the next page of the pass
    total          BIGINT,          -- how long the list was at the last page
    checked        BIGINT NOT NULL, -- counts of this pass
    missing        BIGINT NOT NULL,
    mended         BIGINT NOT NULL,
    refused        BIGINT NOT NULL,
    read_until     BIGINT,          -- from where the next pass asks; empty before the first is through
    finished_at    BIGINT,
    PRIMARY KEY (shop_id, resource)
);

-- Which browser said that it placed which order: a projection of the log's Order Completed events. The order
-- itself comes from the shop's server alone.
CREATE TABLE order_links (
    shop_id      TEXT   NOT NULL,
    order_id     TEXT   NOT NULL,
    anonymous_id TEXT   NOT NULL,
    session_id   TEXT,
    fingerprint  TEXT,            -- salted hash, never the raw value
    ip           TEXT,            -- salted hash, never the raw value
    key_hash     TEXT,            -- SHA-256 of the order's key, where the page knew it
    event_id     TEXT   NOT NULL,
    at           BIGINT NOT NULL,
    PRIMARY KEY (shop_id, order_id, anonymous_id)
);
CREATE INDEX order_links_by_fingerprint ON order_links (shop_id, fingerprint) WHERE fingerprint IS NOT NULL;

-- SHA-256 of the order's key, which only the shop and the shopper's own pages know.
ALTER TABLE orders ADD COLUMN key_hash TEXT;
-- When the shop's catalogue itself told of the product; empty where only orders did.
ALTER TABLE products ADD COLUMN listed_at BIGINT;
