//! The tables of the component's durable database: the outbox with its ledger, and the journeys.
//!
//! The counts of the ledger change in triggers, so in the very statement that adds or removes an event; a step
//! of a journey is one statement, too.

use crate::bindings::spin::sqlite::sqlite::Error;
use crate::database::Database;

/// The version of the schema below, kept in the file.
const VERSION: i64 = 3;

/// Each may run twice: several instances may open a new file at once.
///
/// - AUTOINCREMENT: a settled event's handle is never given to another one.
/// - `settlement` and `journey_step` hold nothing; inserting into them is how a receipt or a step is told.
/// - A step that another one has overtaken, or whose event finds no room, is aborted whole.
/// - A journey's ids go in the statement that it goes in, so that no step comes between the two.
const SCHEMA: [&str; 13] = [
    "CREATE TABLE IF NOT EXISTS outbox ( \
        seq INTEGER PRIMARY KEY AUTOINCREMENT, \
        shop TEXT NOT NULL, \
        id TEXT NOT NULL, \
        body TEXT NOT NULL, \
        UNIQUE (shop, id) \
    )",
    "CREATE TABLE IF NOT EXISTS ledger ( \
        shop TEXT PRIMARY KEY, \
        accepted INTEGER NOT NULL DEFAULT 0, \
        stored INTEGER NOT NULL DEFAULT 0, \
        duplicate INTEGER NOT NULL DEFAULT 0, \
        rejected INTEGER NOT NULL DEFAULT 0, \
        bytes INTEGER NOT NULL DEFAULT 0 \
    ) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS identity (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL)",
    "CREATE VIEW IF NOT EXISTS settlement (seq, verdict) AS SELECT 0, '' WHERE false",
    "CREATE TRIGGER IF NOT EXISTS accept AFTER INSERT ON outbox BEGIN \
        INSERT INTO ledger (shop, accepted, bytes) VALUES (new.shop, 1, length(new.body)) \
        ON CONFLICT (shop) DO UPDATE SET accepted = accepted + 1, bytes = bytes + excluded.bytes; \
    END",
    "CREATE TRIGGER IF NOT EXISTS settle INSTEAD OF INSERT ON settlement BEGIN \
        UPDATE ledger SET \
            stored = stored + (new.verdict = 'appended'), \
            duplicate = duplicate + (new.verdict = 'duplicate'), \
            rejected = rejected + (new.verdict = 'rejected'), \
            bytes = bytes - (SELECT length(body) FROM outbox WHERE seq = new.seq) \
            WHERE shop = (SELECT shop FROM outbox WHERE seq = new.seq); \
        DELETE FROM outbox WHERE seq = new.seq; \
    END",
    // What an older version of this program left waiting.
    "INSERT INTO ledger (shop, accepted, bytes) \
        SELECT shop, count(*), sum(length(body)) FROM outbox WHERE true GROUP BY shop \
        ON CONFLICT DO NOTHING",
    "CREATE TABLE IF NOT EXISTS journeys ( \
        shop TEXT NOT NULL, \
        session TEXT NOT NULL, \
        seq INTEGER NOT NULL, \
        last_at INTEGER NOT NULL, \
        body TEXT NOT NULL, \
        PRIMARY KEY (shop, session) \
    ) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS journeys_by_end ON journeys (last_at)",
    "CREATE TABLE IF NOT EXISTS journey_ids ( \
        shop TEXT NOT NULL, session TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (shop, session, id) \
    ) WITHOUT ROWID",
    "CREATE TRIGGER IF NOT EXISTS journey_gone AFTER DELETE ON journeys BEGIN \
        DELETE FROM journey_ids WHERE shop = old.shop AND session = old.session; \
    END",
    "CREATE VIEW IF NOT EXISTS journey_step (shop, session, seq, last_at, body, id, event, bytes_max) \
        AS SELECT '', '', 0, 0, '', '', '', 0 WHERE false",
    "CREATE TRIGGER IF NOT EXISTS journey_step INSTEAD OF INSERT ON journey_step BEGIN \
        SELECT raise(ABORT, 'overtaken') WHERE new.seq <> 1 + coalesce( \
            (SELECT seq FROM journeys WHERE shop = new.shop AND session = new.session), 0); \
        SELECT raise(ABORT, 'full') \
            WHERE (SELECT coalesce(sum(bytes), 0) FROM ledger) >= new.bytes_max; \
        INSERT INTO journeys (shop, session, seq, last_at, body) \
            VALUES (new.shop, new.session, new.seq, new.last_at, new.body) \
            ON CONFLICT (shop, session) DO UPDATE \
            SET seq = excluded.seq, last_at = excluded.last_at, body = excluded.body; \
        INSERT INTO journey_ids (shop, session, id) VALUES (new.shop, new.session, new.id); \
        INSERT INTO outbox (shop, id, body) VALUES (new.shop, new.id, new.event) \
            ON CONFLICT (shop, id) DO NOTHING; \
    END",
];
const VERSION_OF: &str = "PRAGMA user_version";

/// Makes what is missing.
pub(crate) fn make(database: &Database) -> Result<(), Error> {
    if database.number(VERSION_OF)? != Some(VERSION) {
        for statement in SCHEMA {
            database.run(statement, &[])?;
        }
        database.run(&format!("{VERSION_OF} = {VERSION}"), &[])?;
    }
    Ok(())
}
