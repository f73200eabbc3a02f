-- A browser's own id as a device's key, keys that two people share, and links that were undone.
-- SQLite cannot change a check, so the table is made anew.

CREATE TABLE devices_new (
    shop_id     TEXT   NOT NULL,
    kind        TEXT   NOT NULL CHECK (kind IN ('browser', 'fingerprint', 'ip')),
    hash        TEXT   NOT NULL,
    email_hash  TEXT,
    trust       TEXT   CHECK (trust IN ('address', 'claimed', 'verified', 'shared')),
    version     BIGINT NOT NULL,
    visit_count BIGINT NOT NULL,
    geo_country TEXT,
    geo_city    TEXT,
    first_seen  BIGINT NOT NULL,
    last_seen   BIGINT NOT NULL,
    reset_at    BIGINT NOT NULL DEFAULT 0, -- what was seen until then says nothing any more
    PRIMARY KEY (shop_id, kind, hash)
);
INSERT INTO devices_new SELECT shop_id, kind, hash, email_hash, trust, version, visit_count, geo_country,
    geo_city, first_seen, last_seen, 0 FROM devices;
DROP TABLE devices;
ALTER TABLE devices_new RENAME TO devices;
CREATE INDEX devices_by_email ON devices (shop_id, email_hash) WHERE email_hash IS NOT NULL;
