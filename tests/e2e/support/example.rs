//! Reads the contract's example requests: `.http` blocks, `curl` commands and bare bodies.

use http::Method;

use super::http::{Call, Target};

/// A request as the contract prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Example {
    pub(crate) method: String,
    /// Path and query; the host is the only thing that changes.
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Example {
    /// Reads a file by the form that its name tells; `path` is where a bare body is posted.
    pub(crate) fn read(name: &str, text: &str, path: &str) -> Self {
        match name.rsplit_once('.') {
            Some((_, "http")) => Self::of_http(text),
            Some((_, "curl")) => Self::of_curl(text),
            _ => Self {
                method: "POST".to_owned(),
                path: path.to_owned(),
                headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
                body: text.to_owned(),
            },
        }
    }

    fn of_http(text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let mut request = lines.next().unwrap().split(' ');
        let (method, path) = (request.next().unwrap(), request.next().unwrap());
        let headers = lines.map(|line| line.split_once(": ").unwrap());
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: own(headers.filter(|(name, _)| *name != "Host")),
            body: body.to_owned(),
        }
    }

    fn of_curl(text: &str) -> Self {
        let words = words(text);
        let after = |option: &str| {
            let options = words
                .windows(2)
                .filter(move |pair| pair[0] == option)
                .map(|pair| pair[1].as_str());
            options.collect::<Vec<_>>()
        };
        let url = words.iter().find(|word| word.contains("://")).unwrap();
        let after_host = url.splitn(4, '/').nth(3).unwrap();
        Self {
            method: after("-X")[0].to_owned(),
            path: format!("/{after_host}"),
            headers: own(after("-H")
                .iter()
                .map(|text| text.split_once(": ").unwrap())),
            body: after("-d").concat(),
        }
    }

    /// The request with this host.
    pub(crate) fn to(&self, target: &Target) -> Call {
        let method = Method::from_bytes(self.method.as_bytes()).unwrap();
        let call = target.call(method, &self.path).body(self.body.clone());
        self.headers
            .iter()
            .fold(call, |call, (name, value)| call.header(name, value))
    }
}

fn own<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    let owned = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    owned.collect()
}

/// The words of a shell command, as far as the contract's commands need it: quotes, and lines that go on.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for sign in text.replace("\\\n", " ").chars() {
        match (sign, quote) {
            ('\'' | '"', None) => quote = Some(sign),
            (sign, Some(open)) if sign == open => quote = None,
            (' ' | '\n', None) => words.push(std::mem::take(&mut word)),
            (sign, _) => word.push(sign),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn the_contracts_commands_are_read_as_a_shell_reads_them() {
    let text = "curl -X POST \"http://localhost:3000/api/x?a=b\" \\\n  -H \"Content-Type: application/json\" \\\n  \
                -d '{\n  \"a\": \"b c\"\n}'\n";
    let expected = Example {
        method: "POST".to_owned(),
        path: "/api/x?a=b".to_owned(),
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: "{\n  \"a\": \"b c\"\n}".to_owned(),
    };
    assert_eq!(Example::read("x.curl", text, ""), expected);
}
