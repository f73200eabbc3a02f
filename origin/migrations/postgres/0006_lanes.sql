-- Bots have a lane of their own in the log, and stay out of every figure.
ALTER TABLE events ADD COLUMN agent TEXT; -- the user agent, where the event tells one
ALTER TABLE events ADD COLUMN lane TEXT NOT NULL DEFAULT 'people' CHECK (lane IN ('people', 'bots'));
CREATE INDEX events_by_bot ON events (shop_id, agent) WHERE lane = 'bots';

-- What the shop's people know better than the rule.
CREATE TABLE agent_lanes (
    shop_id    TEXT   NOT NULL,
    agent      TEXT   NOT NULL,
    lane       TEXT   NOT NULL CHECK (lane IN ('people', 'bots')),
    decided_at BIGINT NOT NULL,
    PRIMARY KEY (shop_id, agent)
);
