-- Sessions, folded from the log by the same reducer that the edges run.
CREATE TABLE journeys (
    shop_id    TEXT    NOT NULL,
    session_id TEXT    NOT NULL,
    seq        BIGINT  NOT NULL, -- happenings folded in
    last_at    BIGINT  NOT NULL,
    body       TEXT    NOT NULL, -- the session as JSON, byte for byte as its edge holds it
    PRIMARY KEY (shop_id, session_id)
);
