//! Files of rows: taken as they come, read by a job, each row once, whatever fails.

mod public_sets;

use std::io::Write as _;

use footfall::jobs::work_until_idle;
use footfall_shared::permission::Scopes;
use http::Request;
use serde_json::{Value, json};

use crate::support::{Client, Reply, TestShop, on_both};

pub(crate) const UPLOADS: &str = "/api/uploads";

/// Sends a raw file.
pub(crate) async fn send(client: &Client, query: &str, bytes: &[u8]) -> Reply {
    let request = Request::post(format!("{UPLOADS}{query}")).header("content-type", "text/csv");
    client.send(request, bytes.to_vec()).await
}

/// Sends a raw file, has it read, and tells what became of it.
pub(crate) async fn import(shop: &TestShop, query: &str, bytes: &[u8]) -> Value {
    let sent = send(&shop.backend(), query, bytes).await.expect(202);
    work_until_idle(&shop.app).await.unwrap();
    told(shop, &sent).await
}

/// What became of an upload.
pub(crate) async fn told(shop: &TestShop, sent: &Value) -> Value {
    let id = sent["data"]["upload_id"].as_str().unwrap();
    let told = shop.backend().get(&format!("{UPLOADS}/{id}")).await;
    told.expect(200)["data"].clone()
}

async fn errors(shop: &TestShop, upload: &Value) -> String {
    let id = upload["upload_id"].as_str().unwrap();
    let reply = shop
        .backend()
        .get(&format!("{UPLOADS}/{id}/errors.csv"))
        .await;
    reply.expect(200);
    assert_eq!(reply.headers["content-type"], "text/csv; charset=utf-8");
    String::from_utf8(reply.bytes).unwrap()
}

const RETAIL: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n\
    536365,85123A,\"HOLDER, WHITE\",6,2010-12-01 08:26:00,2.55,17850,United Kingdom\n\
    536365,71053,LANTERN,six,2010-12-01 08:26:00,3.39,17850,United Kingdom\n\
    536366,22633,WARMER,6,2010-12-01 08:28:00,1.85,,United Kingdom\n\
    536367,22632,WARMER,6,2010-12-02 08:28:00,1.85,13047,France\n\
    C536379,D,Discount,-1,2010-12-01 09:41:00,27.5,14527,United Kingdom\n\
    536368,22960,JAM,1,2010-12-03,4.25,13047,France\n";

fn form(parts: &[(&str, Option<&str>, &[u8])]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, file, bytes) in parts {
        let file = file.map_or(String::new(), |file| format!("; filename=\"{file}\""));
        write!(
            body,
            "--edge\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n"
        )
        .unwrap();
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--edge--\r\n");
    ("multipart/form-data; boundary=edge".into(), body)
}

async fn send_form(client: &Client, parts: &[(&str, Option<&str>, &[u8])]) -> Reply {
    let (content_type, body) = form(parts);
    client
        .send(
            Request::post(UPLOADS).header("content-type", content_type),
            body,
        )
        .await
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// Orders of so many rows, each its own.
fn many(rows: usize) -> Vec<u8> {
    let lines = (0..rows).map(|n| {
        format!(
            "{n},P{},1.50,C{},2026-01-{:02}\n",
            n % 50,
            n % 700,
            n % 28 + 1
        )
    });
    ("order,product,price,customer id,date\n".to_owned() + &lines.collect::<String>()).into_bytes()
}

on_both! {
    async fn a_file_is_taken_at_once_and_read_by_a_job(database) {
        let shop = TestShop::start(database).await;
        let sent = send(&shop.backend(), "?name=retail.csv", RETAIL.as_bytes()).await.expect(202);
        assert_eq!((&sent["data"]["status"], &sent["data"]["rows_read"]), (&json!("processing"), &json!(0)));
        let job = format!("/api/jobs/{}", sent["data"]["job_id"].as_str().unwrap());
        assert_eq!(shop.backend().get(&job).await.expect(200)["data"]["status"], "queued");
        work_until_idle(&shop.app).await.unwrap();
        let upload = told(&shop, &sent).await;
        assert_eq!(upload["status"], "done");
        assert_eq!(upload["kind"], "transactions");
        assert_eq!((&upload["rows_read"], &upload["rows_taken"], &upload["rows_refused"]), (&json!(6), &json!(5), &json!(1)));
        assert_eq!(upload["columns"]["unit_price"], "UnitPrice");
        assert_eq!((&upload["format"]["file"], &upload["format"]["separator"]), (&json!("csv"), &json!(",")));
        // Local time in Amsterdam.
        assert_eq!((&upload["first_at"], &upload["last_at"]), (&json!("2010-12-01T07:26:00.000Z"), &json!("2010-12-02T23:00:00.000Z")));
        assert_eq!(errors(&shop, &upload).await, "row,column,reason\n3,Quantity,is no number\n");
        let done = shop.backend().get(&job).await.expect(200);
        assert_eq!((&done["data"]["status"], &done["data"]["progress"]), (&json!("done"), &json!(1.0)));
        let list = shop.backend().get(UPLOADS).await.expect(200);
        assert_eq!(list["data"]["uploads"][0]["upload_id"], upload["upload_id"]);
        assert_eq!(list["data"]["next"], Value::Null);
    }

    async fn the_same_file_is_the_same_upload_until_it_is_forgotten(database) {
        let shop = TestShop::start(database).await;
        let first = send(&shop.backend(), "", RETAIL.as_bytes()).await.expect(202);
        let again = send(&shop.backend(), "", RETAIL.as_bytes()).await.expect(200);
        assert_eq!(first["data"]["upload_id"], again["data"]["upload_id"]);
        let other = send(&shop.backend(), "?dates=day_first", RETAIL.as_bytes()).await.expect(202);
        assert_ne!(first["data"]["upload_id"], other["data"]["upload_id"]);
        work_until_idle(&shop.app).await.unwrap();
        let path = format!("{UPLOADS}/{}", first["data"]["upload_id"].as_str().unwrap());
        let gone = |name: &str| Request::delete(name.to_owned());
        shop.backend().send(gone(&path), Vec::new()).await.expect(200);
        shop.backend().send(gone(&path), Vec::new()).await.expect(404);
        shop.backend().get(&path).await.expect(404);
        let anew = send(&shop.backend(), "", RETAIL.as_bytes()).await.expect(202);
        assert_ne!(first["data"]["upload_id"], anew["data"]["upload_id"]);
    }

    async fn forms_packed_files_and_workbooks_are_taken(database) {
        let shop = TestShop::start(database).await;
        let mapping = br#"{"order": "Bill", "total": "Sum", "product": "What"}"#;
        let parts: [(&str, Option<&str>, &[u8]); 4] = [
            ("kind", None, b"transactions"),
            ("file", Some("bills.csv"), b"Bill;What;Sum\n1;Tea;1.234,50\n2;Cup;7,5\n"),
            ("mapping", None, mapping),
            ("decimal", None, b"comma"),
        ];
        let sent = send_form(&shop.backend(), &parts).await.expect(202);
        assert_eq!(sent["data"]["name"], "bills.csv");
        work_until_idle(&shop.app).await.unwrap();
        let upload = told(&shop, &sent).await;
        assert_eq!((&upload["rows_taken"], &upload["decimal"]), (&json!(2), &json!("comma")), "{upload}");

        let upload = import(&shop, "", &packed(RETAIL.as_bytes())).await;
        assert_eq!((&upload["rows_taken"], &upload["format"]["gzip"]), (&json!(5), &json!(true)), "{upload}");

        let book = include_bytes!("orders.xlsx");
        let upload = import(&shop, "", book).await;
        assert_eq!((&upload["format"]["file"], &upload["rows_taken"]), (&json!("xlsx"), &json!(3)), "{upload}");
        assert_eq!(upload["last_at"], "2026-03-05T13:30:00.000Z", "{upload}");
    }

    async fn what_cannot_be_read_fails_and_says_why(database) {
        let shop = TestShop::start(database).await;
        let bad: String = (0..10).map(|n| format!("{n},P,{},1\n", if n < 3 { "x" } else { "1.5" })).collect();
        for (bytes, reason) in [
            (format!("order,product,price,customer id\n{bad}").into_bytes(), "3 of 10 rows are bad, which is more than a fifth; row 2: price is no number"),
            (b"a,b\n1,2\n".to_vec(), "kind cannot be told from the columns: give it, and a mapping"),
            (b"order,product,price\n".to_vec(), "the file has no rows below its header"),
            (packed(&many(2_000))[..4_000].to_vec(), "the file breaks off, or is damaged"),
            (b"PK\x03\x04 is no workbook".to_vec(), "the workbook is damaged, or locked by a password"),
        ] {
            let upload = import(&shop, "", &bytes).await;
            assert_eq!((&upload["status"], &upload["error"]), (&json!("failed"), &json!(reason)));
            let job = format!("/api/jobs/{}", upload["job_id"].as_str().unwrap());
            let job = shop.backend().get(&job).await.expect(200);
            assert_eq!((&job["data"]["status"], &job["data"]["error"]), (&json!("failed"), &json!(reason)));
        }
        let backend = shop.backend();
        for (query, field) in [("?kind=orders", "kind"), ("?mapping=x", "mapping"), ("?mapping=%7B%22sum%22:%22a%22%7D", "mapping"), ("?dates=any", "dates"), ("?decimal=.", "decimal")] {
            let fault = send(&backend, query, RETAIL.as_bytes()).await.expect(400);
            assert_eq!(fault["error"]["details"][0]["field"], field, "{fault}");
        }
        assert_eq!(send(&backend, "", b"").await.expect(400)["error"]["details"][0]["field"], "file");
        let parts: [(&str, Option<&str>, &[u8]); 1] = [("kind", None, b"reviews")];
        assert_eq!(send_form(&backend, &parts).await.expect(400)["error"]["message"], "file is required");
        let request = Request::post(UPLOADS).header("content-type", "multipart/form-data; boundary=edge");
        backend.send(request, b"--edge\r\nbroken".to_vec()).await.expect(400);
        // Nothing of what was refused stays.
        let list = backend.get(UPLOADS).await.expect(200);
        assert_eq!(list["data"]["uploads"].as_array().unwrap().len(), 5);
    }

    async fn an_import_that_was_interrupted_goes_on_and_counts_each_row_once(database) {
        let shop = TestShop::start(database).await;
        let sent = send(&shop.backend(), "", &many(80_000)).await.expect(202);
        for _ in 0..3 {
            let app = shop.app.clone();
            let working = tokio::spawn(async move { work_until_idle(&app).await });
            let before = told(&shop, &sent).await["rows_read"].clone();
            // As long as it takes to write a piece down, or to be done.
            while told(&shop, &sent).await["rows_read"] == before && !working.is_finished() {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
            working.abort();
            let _ = working.await;
            // The lease of who died runs out.
            shop.pass(61_000);
        }
        work_until_idle(&shop.app).await.unwrap();
        let upload = told(&shop, &sent).await;
        assert_eq!((&upload["status"], &upload["rows_read"], &upload["rows_taken"]), (&json!("done"), &json!(80_000), &json!(80_000)));
        let segments = shop.backend().get("/api/behavior/segments").await.expect(200);
        assert_eq!(segments["data"]["total_customers"], 700);
        let revenue = segments["data"]["segments"].as_array().unwrap().iter().map(|one| one["total_revenue"].as_f64().unwrap());
        assert_eq!(revenue.sum::<f64>(), 120_000.0);
    }

    async fn a_job_of_a_dead_node_is_taken_over_and_the_dead_write_nothing(database) {
        let shop = TestShop::start(database).await;
        let sent = send(&shop.backend(), "", &many(80_000)).await.expect(202);
        let worker = || {
            let app = shop.app.clone();
            tokio::spawn(async move { work_until_idle(&app).await })
        };
        let slow = worker();
        while told(&shop, &sent).await["rows_read"] == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        // To everybody else the first one looks dead.
        shop.pass(61_000);
        let quick = worker();
        slow.await.unwrap().unwrap();
        quick.await.unwrap().unwrap();
        work_until_idle(&shop.app).await.unwrap();
        let upload = told(&shop, &sent).await;
        assert_eq!((&upload["status"], &upload["rows_taken"]), (&json!("done"), &json!(80_000)));
        let segments = shop.backend().get("/api/behavior/segments").await.expect(200);
        let orders = segments["data"]["segments"].as_array().unwrap().iter().map(|one| {
            one["customer_count"].as_f64().unwrap() * one["characteristics"]["avg_frequency"].as_f64().unwrap()
        });
        assert!((orders.sum::<f64>() - 80_000.0).abs() < 10.0, "each order counts once");
    }

    async fn a_job_can_be_ended_while_it_waits(database) {
        let shop = TestShop::start(database).await;
        let sent = send(&shop.backend(), "", RETAIL.as_bytes()).await.expect(202);
        let job = format!("/api/jobs/{}", sent["data"]["job_id"].as_str().unwrap());
        let ended = shop.backend().send(Request::delete(&job), Vec::new()).await.expect(200);
        assert_eq!(ended["data"]["status"], "cancelled");
        shop.backend().send(Request::delete(&job), Vec::new()).await.expect(409);
        work_until_idle(&shop.app).await.unwrap();
        let upload = told(&shop, &sent).await;
        assert_eq!((&upload["status"], &upload["error"]), (&json!("failed"), &json!("its import was cancelled")));
        // It may be sent again.
        send(&shop.backend(), "", RETAIL.as_bytes()).await.expect(202);
    }

    async fn uploads_are_a_shops_own_and_need_their_permission(database) {
        let shop = TestShop::start(database).await;
        let sent = send(&shop.backend(), "", RETAIL.as_bytes()).await.expect(202);
        let id = sent["data"]["upload_id"].as_str().unwrap();
        let neighbour = shop.neighbour().await;
        let other = shop.client(crate::support::Credential::Key(neighbour.secret_key));
        for path in [format!("{UPLOADS}/{id}"), format!("{UPLOADS}/{id}/errors.csv"), format!("/api/jobs/{}", sent["data"]["job_id"].as_str().unwrap())] {
            other.get(&path).await.expect(404);
        }
        let invalid = other.get(&format!("/api/behavior/segments?upload_id={id}")).await.expect(400);
        assert_eq!(invalid["error"]["code"], "INVALID_UPLOAD");
        let reader = shop.scoped(Scopes::parse("scopes", &["uploads:read"]).unwrap()).await;
        reader.get(UPLOADS).await.expect(200);
        send(&reader, "", b"a").await.expect(403);
        send(&shop.browser(), "", b"a").await.expect(403);
        send(&shop.anonymous(), "", b"a").await.expect(401);
    }
}
