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
        let columns = match db.link() {
            Link::Lite(_) => format!(
                "SELECT 'COALESCE(hex(\"' || name || '\"), '''')' FROM pragma_table_info('{table}')"
            ),
            // Bytes as they are: their text would be digits.
            Link::Pg(_) => format!(
                "SELECT 'COALESCE(encode(' || CASE data_type WHEN 'bytea' THEN '\"' || column_name || '\"' \
                 ELSE 'convert_to(\"' || column_name || '\"::text, ''UTF8'')' END || ', ''hex''), '''')' \
                 FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = '{table}' \
                 ORDER BY ordinal_position"
            ),
        };
        let texts = read(&mut db, &columns).await.join(" || '7C' || ");
        let sql = format!("SELECT {texts} FROM \"{table}\"");
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
