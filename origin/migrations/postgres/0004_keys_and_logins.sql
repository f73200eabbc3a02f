-- Scopes and ends of keys, logins with their rotating refresh tokens, and the brake on guessing passwords.

ALTER TABLE keys ADD COLUMN scopes TEXT;      -- JSON: list of scopes; null is everything that a key can have
ALTER TABLE keys ADD COLUMN expires_at BIGINT; -- set when another key takes its place

-- One login of a user on one device: the family of its refresh tokens.
CREATE TABLE logins (
    shop_id    TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    user_id    TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL, -- however often it is refreshed
    revoked_at BIGINT,
    PRIMARY KEY (shop_id, id),
    FOREIGN KEY (shop_id, user_id) REFERENCES users (shop_id, id) ON DELETE CASCADE
);
CREATE INDEX logins_by_user ON logins (shop_id, user_id);

-- Each token is good once. A used one is kept until it would have ended: presented again, it betrays a copy.
CREATE TABLE refresh_tokens (
    shop_id    TEXT   NOT NULL,
    login_id   TEXT   NOT NULL,
    hash       TEXT   NOT NULL UNIQUE, -- SHA-256 as hex; like a key's, it tells which shop it is
    expires_at BIGINT NOT NULL,
    used_at    BIGINT,
    PRIMARY KEY (shop_id, login_id, hash),
    FOREIGN KEY (shop_id, login_id) REFERENCES logins (shop_id, id) ON DELETE CASCADE
);

-- Failed logins. Whoever has not logged in yet belongs to no shop, so no shop stands here.
CREATE TABLE login_failures (
    subject  TEXT   NOT NULL PRIMARY KEY, -- keyed hash of an identifier or an address, never the text
    failures BIGINT NOT NULL,
    ends_at  BIGINT NOT NULL              -- then they are forgotten
);
CREATE INDEX login_failures_by_end ON login_failures (ends_at);
