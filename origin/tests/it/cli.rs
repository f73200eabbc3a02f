//! The command line as a process: what it answers, how it starts and how it stops.

use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::support::{EDGE_KEY, JWT_SECRET};

/// The binary over a data directory of its own, with none of the test's own settings.
fn footfall(folder: &Path, settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_footfall"));
    command
        .env_clear()
        .env("FOOTFALL_DATA_DIR", folder)
        .env("FOOTFALL_DEMO_SESSIONS", "0")
        .envs(settings.iter().copied())
        .stdin(Stdio::null());
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    footfall(folder, &[]).args(arguments).output().unwrap()
}

#[track_caller]
fn succeed(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn fail(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(!output.status.success(), "{arguments:?}");
    let told = [output.stdout, output.stderr].concat();
    String::from_utf8(told).unwrap()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

#[test]
fn what_is_done_at_the_command_line_is_in_the_audit_log_and_verified() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let shop = [
        "admin", "shop", "create", "--slug", "moon", "--name", "Moon",
    ];
    succeed(path, &shop);
    assert!(succeed(path, &["audit", "verify"]).contains("moon: no entries"));
    let key = [
        "admin", "key", "create", "--shop", "moon", "--kind", "secret", "--label", "server",
    ];
    succeed(path, &key);
    let told = succeed(path, &["audit", "verify", "--shop", "moon"]);
    assert!(told.contains("moon: 1 entries"), "{told}");
    let digest = told.trim().rsplit(' ').next().unwrap();
    succeed(path, &key);
    let noted = ["audit", "verify", "--shop", "moon", "--noted", digest];
    assert!(succeed(path, &noted).contains("moon: 2 entries"));
    let never = ["audit", "verify", "--shop", "moon", "--noted", "abc"];
    assert!(fail(path, &never).contains("its end is missing"));
    assert!(fail(path, &["audit", "verify", "--shop", "sun"]).contains("no shop `sun`"));
}

#[test]
fn a_shop_its_keys_and_its_users_are_made_listed_and_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let made = succeed(
        path,
        &[
            "admin", "shop", "create", "--slug", "moon", "--name", "Moon",
        ],
    );
    assert!(made.contains("shop_"), "{made}");
    assert!(succeed(path, &["admin", "shop", "list"]).contains("Europe/Amsterdam"));
    let key = [
        "admin", "key", "create", "--shop", "moon", "--kind", "secret", "--label", "server",
    ];
    assert!(succeed(path, &key).starts_with("ff_sk_"));
    let list = succeed(path, &["admin", "key", "list", "--shop", "moon"]);
    let id = cell(&list, 0);
    let revoke = ["admin", "key", "revoke", "--shop", "moon", "--id", &id];
    succeed(path, &revoke);
    assert!(fail(path, &revoke).contains("no live key"));
    let user = [
        "admin",
        "user",
        "create",
        "--shop",
        "moon",
        "--identifier",
        "a@moon.example",
    ];
    assert!(succeed(path, &user).contains("password"));
    assert!(fail(path, &user).contains("taken"));
    assert!(succeed(path, &["admin", "user", "list", "--shop", "moon"]).contains("a@moon.example"));
    assert!(fail(path, &["admin", "user", "list", "--shop", "sun"]).contains("no shop `sun`"));
    assert!(succeed(path, &["rebuild"]).contains("moon: 0 events"));
}

#[test]
fn a_scoped_key_is_made_and_rotated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let shop = ["--slug", "moon", "--name", "Moon"];
    succeed(path, &[&["admin", "shop", "create"], &shop[..]].concat());
    let create = [
        "admin", "key", "create", "--shop", "moon", "--kind", "secret",
    ];
    let scoped = ["--label", "export", "--scope", "orders:write"];
    succeed(path, &[&create[..], &scoped].concat());
    let unknown = ["--label", "export", "--scope", "moon:write"];
    assert!(fail(path, &[&create[..], &unknown].concat()).contains("scope[0] must be"));
    let list = ["admin", "key", "list", "--shop", "moon"];
    let id = cell(&succeed(path, &list), 0);
    let rotate = ["admin", "key", "rotate", "--shop", "moon", "--id", &id];
    assert!(fail(path, &[&rotate[..], &["--grace", "1y"]].concat()).contains("as 24h"));
    let rotated = succeed(path, &rotate);
    assert!(rotated.starts_with("ff_sk_") && rotated.contains(&format!("{id} goes on until")));
    assert!(fail(path, &rotate).contains("being rotated already"));
    let listed = succeed(path, &list);
    assert_eq!(listed.matches("orders:write").count(), 2, "{listed}");
}

#[test]
fn settings_are_shown_and_set() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let shop = ["--slug", "moon", "--name", "Moon"];
    succeed(path, &[&["admin", "shop", "create"], &shop[..]].concat());
    let set = ["admin", "shop", "set", "--shop", "moon", "--set"];
    let origins = "allowed_origins=https://a.example,https://b.example";
    succeed(path, &[&set[..], &[origins, "--set", "locale=en"]].concat());
    let shown = succeed(path, &["admin", "shop", "show", "--shop", "moon"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(
        shown["allowed_origins"],
        serde_json::json!(["https://a.example", "https://b.example"])
    );
    assert_eq!(shown["locale"], "en");
    for (wrong, named) in [
        ("lokale=en", "lokale"),
        ("locale=de", "locale"),
        ("locale", "name=value"),
    ] {
        assert!(
            fail(path, &[&set[..], &[wrong]].concat()).contains(named),
            "{wrong}"
        );
    }
}

#[test]
fn a_user_is_changed_and_removed_but_not_the_last_owner() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let shop = ["--slug", "moon", "--name", "Moon"];
    succeed(path, &[&["admin", "shop", "create"], &shop[..]].concat());
    let user = |command: &'static str| {
        [
            "admin",
            "user",
            command,
            "--shop",
            "moon",
            "--identifier",
            "a@moon.example",
        ]
    };
    succeed(path, &[&user("create")[..], &["--role", "owner"]].concat());
    assert!(fail(path, &user("remove")).contains("at least one owner"));
    let changed = succeed(path, &[&user("change")[..], &["--new-password"]].concat());
    assert!(changed.contains("password, shown only now"), "{changed}");
    let other = [
        "admin",
        "user",
        "create",
        "--shop",
        "moon",
        "--identifier",
        "b@moon.example",
    ];
    succeed(path, &[&other[..], &["--role", "owner"]].concat());
    succeed(
        path,
        &[&user("change")[..], &["--role", "support"]].concat(),
    );
    succeed(path, &user("remove"));
    assert!(fail(path, &user("remove")).contains("has no user"));
}

/// The first cell of a list's row.
fn cell(list: &str, row: usize) -> String {
    let row = list.lines().nth(row + 1).unwrap();
    row.split_whitespace().next().unwrap().to_owned()
}

#[test]
fn a_wrong_setting_stops_the_start_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        (&[][..], "FOOTFALL_EDGE_KEYS"),
        (&[("FOOTFALL_EDGE_KEYS", EDGE_KEY)], "FOOTFALL_JWT_SECRET"),
        (&[("FOOTFALL_MODE", "open")], "FOOTFALL_MODE"),
        (
            &[
                ("DATABASE_URL", "oracle:x"),
                ("FOOTFALL_EDGE_KEYS", EDGE_KEY),
                ("FOOTFALL_JWT_SECRET", JWT_SECRET),
            ],
            "DATABASE_URL",
        ),
        (
            &[
                ("FOOTFALL_MODE", "development"),
                ("FOOTFALL_ORIGIN_ADDR", "0.0.0.0:0"),
            ],
            "FOOTFALL_ORIGIN_ADDR",
        ),
    ];
    for (settings, named) in cases {
        let output = footfall(folder.path(), settings)
            .arg("serve")
            .output()
            .unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && told.contains(named),
            "{named}: {told}"
        );
    }
}

#[test]
fn a_port_in_use_is_told_plainly() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let settings = [
        ("FOOTFALL_ORIGIN_ADDR", address.as_str()),
        ("FOOTFALL_EDGE_KEYS", EDGE_KEY),
        ("FOOTFALL_JWT_SECRET", JWT_SECRET),
    ];
    for command in ["serve", "dev"] {
        let output = footfall(folder.path(), &settings)
            .arg(command)
            .output()
            .unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{command}");
        assert!(
            told.contains("FOOTFALL_ORIGIN_ADDR") && told.contains(&address),
            "{told}"
        );
    }
}

/// A serving process, killed if the test fails before it has stopped.
struct Serving {
    child: Child,
    port: u16,
}

impl Serving {
    fn start(folder: &Path) -> Self {
        let port = free_port();
        let address = format!("127.0.0.1:{port}");
        let settings = [
            ("FOOTFALL_ORIGIN_ADDR", address.as_str()),
            ("FOOTFALL_EDGE_KEYS", EDGE_KEY),
            ("FOOTFALL_JWT_SECRET", JWT_SECRET),
        ];
        let child = footfall(folder, &settings)
            .args(["serve", "--supervised"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let serving = Self { child, port };
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", serving.port)).is_err() {
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "it does not listen"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        serving
    }

    fn stops(mut self) -> String {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(15),
                "it does not stop"
            );
            std::thread::sleep(Duration::from_millis(20));
        };
        assert!(status.success(), "{status}");
        let mut told = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut told)
            .unwrap();
        told
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_supervised_origin_stops_cleanly_when_its_standard_input_closes() {
    let folder = tempfile::tempdir().unwrap();
    let mut serving = Serving::start(folder.path());
    drop(serving.child.stdin.take());
    assert!(serving.stops().contains("the origin has stopped"));
}

#[test]
fn an_origin_stops_cleanly_on_sigterm_and_logs_lines_of_json() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path());
    let pid = serving.child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    let told = serving.stops();
    assert!(told.contains("the origin has stopped"));
    for line in told.lines() {
        let parsed: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(parsed["message"].is_string(), "{line}");
    }
}

#[test]
fn doctor_names_the_mend_and_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let told = fail(folder.path(), &["doctor"]);
    assert!(
        told.contains("footfall migrate")
            && told.contains("FOOTFALL_EDGE_KEYS")
            && told.contains("FOOTFALL_JWT_SECRET"),
        "{told}"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    succeed(folder.path(), &["migrate"]);
    let settings = [
        ("FOOTFALL_EDGE_KEYS", EDGE_KEY),
        ("FOOTFALL_JWT_SECRET", JWT_SECRET),
    ];
    let output = footfall(folder.path(), &settings)
        .arg("doctor")
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{told}");
    assert!(
        told.contains("every migration is done") && told.contains("0 faults"),
        "{told}"
    );
}

#[test]
fn a_supervisor_whose_edge_cannot_start_says_so_and_leaves_nothing_running() {
    let folder = tempfile::tempdir().unwrap();
    let (origin, edge) = (free_port(), free_port());
    let (origin, edge) = (format!("127.0.0.1:{origin}"), format!("127.0.0.1:{edge}"));
    let settings = [
        ("FOOTFALL_ORIGIN_ADDR", origin.as_str()),
        ("FOOTFALL_EDGE_ADDR", edge.as_str()),
        // Not there; and a binary without the edge cannot start it anyway.
        ("FOOTFALL_EDGE_COMPONENT", "/no/such/component.wasm"),
    ];
    let output = footfall(folder.path(), &settings)
        .arg("dev")
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(told.contains("the edge ended while it started"), "{told}");
    assert!(
        TcpListener::bind(&origin).is_ok(),
        "the origin has stopped, too"
    );
    assert!(!folder.path().join("dev.json").exists());
    let listed = succeed(folder.path(), &["admin", "key", "list", "--shop", "demo"]);
    assert_eq!(
        listed
            .lines()
            .filter(|line| line.contains("footfall dev"))
            .count(),
        2,
        "the demo shop is there with both keys: {listed}"
    );
}

#[test]
fn a_file_is_imported_once_and_its_faults_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    succeed(
        path,
        &[
            "admin", "shop", "create", "--slug", "moon", "--name", "Moon",
        ],
    );
    let file = path.join("orders.csv");
    std::fs::write(&file, "Bill,What,Sum,customer id\n1,Tea,5,C1\n2,Cup,7,C2\n").unwrap();
    let import = ["import", file.to_str().unwrap(), "--shop", "moon"];
    let reading = r#"{"kind": "transactions", "mapping": {"order": "Bill", "product": "What", "total": "Sum"}}"#;
    let told = fail(path, &import);
    assert!(
        told.contains("kind cannot be told from the columns"),
        "{told}"
    );
    let read = [&import[..], &["--reading", reading]].concat();
    let told = succeed(path, &read);
    assert!(
        told.contains("2 rows of transactions")
            && told.contains("what follows from it is computed"),
        "{told}"
    );
    assert!(succeed(path, &read).contains("was imported before"));
    assert!(fail(path, &["import", "/nowhere.csv", "--shop", "moon"]).contains("cannot read"));
}

#[test]
fn the_openapi_document_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let document: serde_json::Value =
        serde_json::from_str(&succeed(folder.path(), &["openapi"])).unwrap();
    assert!(document["paths"]["/api/behavior/segments"].is_object());
}
