//! All that a database holds, as text, for tests that ask whether something is gone.

use footfall::db::{During, Handle, Link};
use footfall::on_db;

use super::TestShop;

/// Every row of every table. Bytes that are no text stand there as they are.
pub(crate) async fn everything(shop: &TestShop) -> String {
    let mut db = shop.app.db().read().await.unwrap();
    let tables = match db.link() {
        Link::Lite(_) => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
        }
        Link::Pg(_) => {
            "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()"
        }
    };
    let tables = read(&mut db, tables).await;
    let mut all = String::new();
    for table in tables {
        let sql = match db.link() {
            Link::Lite(_) => {
                let columns = format!("SELECT name FROM pragma_table_info('{table}')");
                let columns = read(&mut db, &columns).await;
                let texts: Vec<String> = columns
                    .iter()
                    .map(|column| format!("COALESCE(hex(\"{column}\"), '')"))
                    .collect();
                format!("SELECT {} FROM \"{table}\"", texts.join(" || '7C' || "))
            }
            Link::Pg(_) => {
                format!("SELECT encode(convert_to(t::text, 'UTF8'), 'hex') FROM \"{table}\" t")
            }
        };
        for row in read(&mut db, &sql).await {
            let bytes: Vec<u8> = (0..row.len() / 2)
                .map(|at| u8::from_str_radix(&row[at * 2..at * 2 + 2], 16).unwrap())
                .collect();
            all += &format!("{table}: {}\n", String::from_utf8_lossy(&bytes));
        }
    }
    all
}

async fn read(db: &mut impl Handle, sql: &str) -> Vec<String> {
    on_db!(db, |connection| {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_all(connection)
            .await
    })
    .during("read all of a database in a test")
    .unwrap()
}
