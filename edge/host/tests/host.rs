//! What the embedded host promises, seen from outside: through HTTP and a component that does what
//! the test says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may panic"
)]

#[path = "host/policy.rs"]
mod policy;
mod support;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::TestHost;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const NO_FLUSH: Duration = Duration::from_secs(3600);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_stored_under_a_key_survives_a_restart() {
    let host = TestHost::start().await;
    let put = host.send(Method::PUT, "/kv/offer", &[], "seven").await;
    assert_eq!(put.body["value"], "seven");
    host.send(Method::PUT, "/kv/gone", &[], "soon").await;
    let deleted = host.send(Method::DELETE, "/kv/gone", &[], "").await;
    let keys = ["flushed-with", "offer"];
    let expected = json!({"value": null, "exists": false, "keys": keys});
    assert_eq!(deleted.body, expected);

    let host = host.restart().await;

    assert_eq!(host.get("/kv/offer").await.body["value"], "seven");
    assert_eq!(host.get("/kv/gone").await.body["exists"], false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writes_lose_nothing_and_survive_a_restart() {
    let host = Arc::new(TestHost::start().await);
    host.sql(&["CREATE TABLE event (id TEXT PRIMARY KEY)"])
        .await;
    let writers: Vec<_> = (0..64)
        .map(|writer| {
            let host = Arc::clone(&host);
            tokio::spawn(async move {
                for n in 0..5 {
                    let insert = format!("INSERT INTO event VALUES ('{writer}-{n}')");
                    let find = format!("SELECT count(*) FROM event WHERE id = '{writer}-{n}'");
                    let answer = host.sql(&[&insert, &find]).await;
                    // The connection reads its own write, though another one did it.
                    assert_eq!(answer["results"], json!([{"rows": []}, {"rows": [[1]]}]));
                    assert_eq!(answer["changes"], 1);
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }

    let host = Arc::into_inner(host).unwrap().restart().await;

    let count = host.sql(&["SELECT count(*) FROM event"]).await;
    assert_eq!(count["results"][0]["rows"][0][0], 320);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_statement_does_not_fail_its_neighbours() {
    let host = Arc::new(TestHost::start().await);
    let tables = [
        "CREATE TABLE event (id INTEGER PRIMARY KEY)",
        "INSERT INTO event VALUES (0)",
    ];
    host.sql(&tables).await;
    // Each third one breaks a key, each other third tears down the whole transaction.
    let statement = |n: i64| match n % 3 {
        0 => format!("INSERT INTO event VALUES ({})", n + 1),
        1 => "INSERT INTO event VALUES (0)".to_owned(),
        _ => "INSERT OR ROLLBACK INTO event VALUES (0)".to_owned(),
    };
    let answers: Vec<_> = (0..60)
        .map(|n| {
            let host = Arc::clone(&host);
            tokio::spawn(async move { (n, host.sql(&[&statement(n)]).await) })
        })
        .collect();

    for answer in answers {
        let (n, answer) = answer.await.unwrap();
        let failed = answer["results"][0]["error"].is_string();
        assert_eq!(failed, n % 3 != 0, "{n}: {answer}");
    }
    let count = host.sql(&["SELECT count(*) FROM event"]).await;
    assert_eq!(count["results"][0]["rows"][0][0], 21);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_is_alone_and_ends_as_its_guest_says_or_not_at_all() {
    let host = Arc::new(TestHost::start().await);
    host.sql(&["CREATE TABLE step (n INTEGER)"]).await;
    let transaction = |end: &'static str| {
        let host = Arc::clone(&host);
        let read_then_write = "INSERT INTO step SELECT count(*) FROM step";
        let all = [
            "BEGIN",
            "SELECT count(*) FROM step",
            "sleep 50",
            read_then_write,
            end,
        ];
        tokio::spawn(async move { host.sql(&all).await })
    };
    let running = ["COMMIT", "COMMIT", "ROLLBACK", "SELECT 'forgotten'"].map(transaction);
    for answer in running {
        let answer = answer.await.unwrap();
        assert!(!answer.to_string().contains("error"), "{answer}");
    }

    // The two that committed saw one another, the one rolled back and the one left open are gone.
    let steps = host.sql(&["SELECT n FROM step ORDER BY n", "COMMIT"]).await;
    assert_eq!(steps["results"][0]["rows"], json!([[0], [1]]));
    assert!(
        steps["results"][1]["error"]
            .as_str()
            .unwrap()
            .contains("no transaction")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_left_open_is_rolled_back_after_5_seconds() {
    let host = TestHost::start().await;
    host.sql(&["CREATE TABLE step (n INTEGER)"]).await;

    let late = host
        .sql(&[
            "BEGIN",
            "INSERT INTO step VALUES (1)",
            "sleep 5200",
            "COMMIT",
        ])
        .await;

    assert!(
        late["results"][2]["error"]
            .as_str()
            .unwrap()
            .contains("rolled back"),
        "{late}"
    );
    let count = host.sql(&["SELECT count(*) FROM step"]).await;
    assert_eq!(count["results"][0]["rows"], json!([[0]]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_reaches_no_other_file_and_no_setting() {
    let host = TestHost::start().await;
    let other = host.directory.path().join("other.db");
    let answer = host
        .sql(&[
            &format!("ATTACH '{}' AS other", other.display()),
            &format!("VACUUM INTO '{}'", other.display()),
            "PRAGMA synchronous = OFF",
            "PRAGMA journal_mode = DELETE",
            "SELECT load_extension('x')",
            "/* hidden */ SAVEPOINT s",
            "SELECT 1; SELECT 2",
            "PRAGMA user_version = 3",
        ])
        .await;

    let results = answer["results"].as_array().unwrap();
    let (last, refused) = results.split_last().unwrap();
    assert!(
        refused.iter().all(|result| result["error"].is_string()),
        "{answer}"
    );
    assert_eq!(*last, json!({"rows": []}));
    assert!(!other.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_counted_together_by_all_instances_and_begin_anew_with_the_host() {
    const COUNT: &str = "INSERT INTO hits VALUES ('ip', 1)
        ON CONFLICT (key) DO UPDATE SET used = used + 1 RETURNING used";
    let host = Arc::new(TestHost::start().await);
    let run = async |host: &TestHost, statements: &[&str]| {
        let body = serde_json::to_string(statements).unwrap();
        host.send(Method::POST, "/sql/limits", &[], body).await.body
    };
    run(
        &host,
        &["CREATE TABLE hits (key TEXT PRIMARY KEY, used INTEGER)"],
    )
    .await;

    let counting = (0..64).map(|_| {
        let host = Arc::clone(&host);
        tokio::spawn(async move {
            let body = serde_json::to_string(&[COUNT]).unwrap();
            host.send(Method::POST, "/sql/limits", &[], body).await.body
        })
    });
    let counting: Vec<_> = counting.collect();
    let mut counted = Vec::new();
    for one in counting {
        let answer = one.await.unwrap();
        assert_eq!(answer["changes"], 1, "{answer}");
        counted.push(answer["results"][0]["rows"][0][0].as_i64().unwrap());
    }
    counted.sort_unstable();
    assert_eq!(counted, Vec::from_iter(1..=64));

    let refused = run(&host, &["BEGIN", "PRAGMA max_page_count = 1000000"]).await;
    for result in refused["results"].as_array().unwrap() {
        assert!(result["error"].is_string(), "{refused}");
    }
    let host = Arc::into_inner(host).unwrap().restart().await;
    let anew = run(&host, &["SELECT count(*) FROM sqlite_schema"]).await;
    assert_eq!(anew["results"][0]["rows"], json!([[0]]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trap_is_a_500_and_the_next_request_is_served() {
    let host = TestHost::start().await;
    for _ in 0..3 {
        let trapped = host.get("/panic").await;
        assert_eq!(trapped.status, StatusCode::INTERNAL_SERVER_ERROR);
        let envelope = json!({
            "success": false, "message": "Internal server error", "code": "internal_error",
        });
        assert_eq!(trapped.body, envelope);
        assert_eq!(trapped.headers["content-type"], "application/json");
        let id = trapped.headers["x-request-id"].to_str().unwrap();
        assert!(id.starts_with("req_"), "{id}");
        let timing = trapped.headers["server-timing"].to_str().unwrap();
        assert!(timing.starts_with("host;dur="), "{timing}");

        assert_eq!(host.get("/variable").await.body, json!({"value": "hello"}));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_can_read_why_the_host_refused_it_and_find_its_request_again() {
    let host = TestHost::start().await;
    let page = [
        ("origin", "https://shop.example"),
        ("x-request-id", "page-7"),
    ];

    let refused = host.send(Method::GET, "/panic", &page, "").await;

    let headers = refused.headers;
    assert_eq!(headers["x-request-id"], "page-7");
    assert_eq!(
        headers["access-control-allow-origin"],
        "https://shop.example"
    );
    assert_eq!(headers["vary"], "Origin");

    let wild = [("x-request-id", "no id \"at all\"")];
    let refused = host.send(Method::GET, "/panic", &wild, "").await;
    let id = refused.headers["x-request-id"].to_str().unwrap();
    assert!(id.starts_with("req_"), "{id}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endless_loop_ends_in_a_504_and_holds_nobody_up() {
    let host = Arc::new(TestHost::start().await);
    // More of them than there are threads.
    let loops: Vec<_> = (0..4)
        .map(|_| {
            let host = Arc::clone(&host);
            tokio::spawn(async move { host.get("/loop").await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;

    for _ in 0..20 {
        let asked = Instant::now();
        assert_eq!(host.get("/variable").await.status, StatusCode::OK);
        assert!(
            asked.elapsed() < Duration::from_secs(2),
            "{:?}",
            asked.elapsed()
        );
    }
    for endless in loops {
        let endless = endless.await.unwrap();
        assert_eq!(endless.status, StatusCode::GATEWAY_TIMEOUT);
        assert_eq!(endless.body["code"], "timeout");
    }
    assert_eq!(host.get("/variable").await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_component_may_ask_the_origin_and_nobody_else() {
    let origin = serve_no_content().await;
    let elsewhere = serve_no_content().await;
    let directory = tempfile::tempdir().unwrap();
    let host = TestHost::start_in(directory, &format!("http://{origin}"), NO_FLUSH).await;
    let fetch = async |url: String| host.send(Method::POST, "/fetch", &[], url).await.body;

    assert_eq!(
        fetch(format!("http://{origin}/any")).await,
        json!({"status": 204})
    );
    for denied in [
        format!("http://{elsewhere}/"),
        format!("https://{origin}/"),
        format!("http://localhost:{}/", origin.port()),
    ] {
        let answer = fetch(denied).await;
        assert_eq!(answer, json!({"error": "ErrorCode::HttpRequestDenied"}));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_cannot_say_who_it_is() {
    let host = TestHost::start().await;
    let lies = [
        ("spin-client-addr", "203.0.113.7:1"),
        ("Spin-Client-Addr", "203.0.113.8:1"),
        ("spin-full-url", "http://elsewhere.example/"),
    ];

    let seen = host.send(Method::GET, "/client", &lies, "").await.body;

    assert!(
        seen["client"].as_str().unwrap().starts_with("127.0.0.1:"),
        "{seen}"
    );
    assert_eq!(seen["count"], 1);
    assert_eq!(seen["url"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_over_8_mib_is_refused_however_it_comes() {
    let host = TestHost::start().await;
    let allowed = host
        .send(Method::POST, "/length", &[], vec![b'x'; 8 << 20])
        .await;
    assert_eq!(allowed.body, json!({"length": 8 << 20}));
    let refused = host
        .send(Method::POST, "/length", &[], vec![b'x'; (8 << 20) + 1])
        .await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(refused.body["code"], "payload_too_large");

    // In chunks there is no length that could be looked at first.
    let mut stream = TcpStream::connect(host.address()).await.unwrap();
    let head = b"POST /length HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let chunk = [b"100000\r\n".as_slice(), &vec![b'x'; 1 << 20], b"\r\n"].concat();
    for _ in 0..9 {
        stream.write_all(&chunk).await.unwrap();
    }
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 413");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_http_or_has_too_long_a_head_gets_the_envelope() {
    let host = TestHost::start().await;
    let long_header = format!(
        "GET /variable HTTP/1.1\r\nhost: x\r\nlong: {}\r\n\r\n",
        "x".repeat(300 << 10)
    );
    let many_headers = format!(
        "GET /variable HTTP/1.1\r\nhost: x\r\n{}\r\n",
        "a: b\r\n".repeat(200)
    );
    let long_url = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(70_000));
    // Also on a connection that was served before.
    let second = "GET /variable HTTP/1.1\r\nhost: x\r\n\r\n";
    let cases = [
        (
            "",
            "no http at all\r\n\r\n",
            "400 Bad Request",
            "bad_request",
        ),
        (
            "",
            "GET /variable HTTP/1.1\r\nbad header\r\n\r\n",
            "400 Bad Request",
            "bad_request",
        ),
        (
            second,
            "GET /variable HTTP/9.1\r\n\r\n",
            "400 Bad Request",
            "bad_request",
        ),
        (
            "",
            &long_header,
            "431 Request Header Fields Too Large",
            "headers_too_large",
        ),
        (
            "",
            &many_headers,
            "431 Request Header Fields Too Large",
            "headers_too_large",
        ),
        ("", &long_url, "414 URI Too Long", "uri_too_long"),
    ];
    for (before, request, status, code) in cases {
        let mut stream = TcpStream::connect(host.address()).await.unwrap();
        if !before.is_empty() {
            stream.write_all(before.as_bytes()).await.unwrap();
            let mut served = [0; 12];
            stream.read_exact(&mut served).await.unwrap();
            assert_eq!(&served, b"HTTP/1.1 200");
        }
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.unwrap();
        let reply = &reply[reply.rfind("HTTP/1.1 ").unwrap()..];
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        assert_eq!(
            head.lines().next(),
            Some(&*format!("HTTP/1.1 {status}")),
            "{head}"
        );
        assert!(head.contains("x-request-id: req_"), "{head}");
        assert!(head.contains("server-timing: host;dur="), "{head}");
        assert!(
            head.contains(&format!("content-length: {}\r\n", body.len())),
            "{head}"
        );
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(
            (&body["success"], &body["code"]),
            (&json!(false), &json!(code))
        );
        assert_eq!(host.get("/variable").await.status, StatusCode::OK);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_flush_is_called_signed_at_its_pace_and_once_more_at_the_stop() {
    let directory = tempfile::tempdir().unwrap();
    let host = TestHost::start_in(directory, "http://127.0.0.1:9", Duration::from_millis(20)).await;
    let until = Instant::now() + Duration::from_secs(5);
    while host.get("/kv/flushed-with").await.body["value"] != "/internal/flush 2" {
        assert!(Instant::now() < until, "never flushed");
    }

    // From here on the pace is an hour: after its first flush, only the stop can flush.
    let host = host.restart().await;
    while host.get("/kv/flushed-with").await.body["exists"] != true {}
    host.send(Method::DELETE, "/kv/flushed-with", &[], "").await;
    let directory = host.stop().await;

    let file = rusqlite::Connection::open(directory.path().join("edge/kv.db")).unwrap();
    let flushed = file.query_row("SELECT count(*) FROM entries", [], |row| {
        row.get::<_, i64>(0)
    });
    assert_eq!(flushed.unwrap(), 1);
}

/// An HTTP server that answers 204 to everything.
async fn serve_no_content() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = [0; 4096];
                while stream.read(&mut head).await.is_ok_and(|read| read > 0) {
                    stream
                        .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
                        .await
                        .unwrap();
                }
            });
        }
    });
    address
}
