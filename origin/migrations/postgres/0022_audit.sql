-- What people and keys did in the administration: a chain in which each entry has the digest of the one before it.
CREATE TABLE audit_entries (
    shop_id    TEXT   NOT NULL,
    seq        BIGINT NOT NULL, -- from 1, without a gap
    at         BIGINT NOT NULL,
    actor_kind TEXT   NOT NULL, -- person, key or command
    actor      TEXT   NOT NULL, -- the person's or key's id; empty for a command
    action     TEXT   NOT NULL, -- the method and the route's pattern, or the command
    subject    TEXT   NOT NULL, -- the path, or empty
    outcome    TEXT   NOT NULL, -- begun; or failed, with the status
    request_id TEXT   NOT NULL,
    digest     TEXT   NOT NULL, -- SHA-256 over the digest before and everything above
    PRIMARY KEY (shop_id, seq)
);

CREATE FUNCTION audit_entries_stay() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'audit entries are only appended'; END $$;
CREATE TRIGGER audit_entries_stay BEFORE UPDATE OR DELETE ON audit_entries FOR EACH ROW EXECUTE FUNCTION audit_entries_stay();
