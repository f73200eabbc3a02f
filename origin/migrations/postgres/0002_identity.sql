-- A browser's own id as a device's key, keys that two people share, and links that were undone.

ALTER TABLE devices DROP CONSTRAINT devices_kind_check;
ALTER TABLE devices ADD CONSTRAINT devices_kind_check CHECK (kind IN ('browser', 'fingerprint', 'ip'));
ALTER TABLE devices DROP CONSTRAINT devices_trust_check;
ALTER TABLE devices ADD CONSTRAINT devices_trust_check
    CHECK (trust IN ('address', 'claimed', 'verified', 'shared'));
ALTER TABLE devices ADD COLUMN reset_at BIGINT NOT NULL DEFAULT 0; -- what was seen until then says nothing any more
