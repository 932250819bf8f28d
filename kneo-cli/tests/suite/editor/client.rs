//! An editor, as far as a language server can tell: the client's side of the Language Server Protocol on standard input
//! and output.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// How long the server may take for an answer; it loads for seconds on a busy machine.
const ANSWERS_WITHIN: Duration = Duration::from_secs(120);

/// A language server with an open folder. Killed when it is dropped.
pub(crate) struct Editor {
    child: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    folder: PathBuf,
    sent: u64,
    opened: u64,
}

/// A mistake that an editor underlines.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Underlined {
    /// What stands there, up to the end of the line.
    pub(crate) text: String,
    pub(crate) message: String,
}

/// Something that an editor offers.
#[derive(Debug)]
pub(crate) struct Offered {
    pub(crate) label: String,
    pub(crate) documentation: String,
}

/// A document that is open, and where its cursor stands.
pub(crate) struct Document {
    uri: String,
    text: String,
    cursor: Option<Value>,
}

impl Editor {
    /// Starts a server on a folder.
    pub(crate) fn start(server: &Path, folder: &Path) -> Editor {
        let mut command = Command::new(server);
        command.arg("--stdio").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Some(message) = message(&mut output) {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let folder = folder.canonicalize().unwrap();
        let mut editor = Editor { child, input, messages, folder, sent: 0, opened: 0 };
        let text = json!({
            "completion": {"completionItem": {"documentationFormat": ["plaintext"], "snippetSupport": true}},
            "hover": {"contentFormat": ["markdown"]},
        });
        let capabilities = json!({"textDocument": text, "workspace": {"configuration": true}});
        let root = editor.uri("");
        let parameters = json!({"processId": std::process::id(), "rootUri": root, "capabilities": capabilities});
        editor.ask("initialize", &parameters);
        editor.tell("initialized", &json!({}));
        editor
    }

    fn uri(&self, name: &str) -> String {
        format!("file://{}", self.folder.join(name).display())
    }

    /// Opens a document that was never open before, as [`Editor::open`] does.
    pub(crate) fn open_new(&mut self, text: &str) -> Document {
        self.opened += 1;
        self.open(&format!("flow_{}.yaml", self.opened), text)
    }

    /// Opens a document. A `¦` in the text is where the cursor stands; it is taken out.
    pub(crate) fn open(&mut self, name: &str, text: &str) -> Document {
        let cursor = text.find('¦').map(|at| {
            let before = &text[..at];
            let line = before.rsplit('\n').next().unwrap();
            json!({"line": before.matches('\n').count(), "character": line.encode_utf16().count()})
        });
        let document = Document { uri: self.uri(name), text: text.replace('¦', ""), cursor };
        let opened = json!({"uri": document.uri, "languageId": "yaml", "version": 1, "text": document.text});
        self.tell("textDocument/didOpen", &json!({"textDocument": opened}));
        document
    }

    /// What is underlined in a document that was just opened.
    pub(crate) fn underlined(&mut self, document: &Document) -> Vec<Underlined> {
        let found = self.until(|message| {
            let parameters = &message["params"];
            let told = message["method"] == "textDocument/publishDiagnostics" && parameters["uri"] == document.uri;
            told.then(|| parameters["diagnostics"].clone())
        });
        let lines: Vec<&str> = document.text.split('\n').collect();
        let mut found: Vec<(u64, u64, Underlined)> = found
            .as_array()
            .unwrap()
            .iter()
            .map(|found| {
                let at = |name: &str| found["range"]["start"][name].as_u64().unwrap();
                let (line, column) = (at("line"), at("character"));
                let text = lines[usize::try_from(line).unwrap()].chars().skip(usize::try_from(column).unwrap());
                let message = found["message"].as_str().unwrap().to_owned();
                (line, column, Underlined { text: text.collect(), message })
            })
            .collect();
        found.sort_by_key(|(line, column, _)| (*line, *column));
        found.into_iter().map(|(_, _, underlined)| underlined).collect()
    }

    /// What is offered at the cursor.
    pub(crate) fn offered(&mut self, document: &Document) -> Vec<Offered> {
        let answer = self.ask("textDocument/completion", &document.place());
        let items = answer.get("items").unwrap_or(&answer).as_array().unwrap();
        let text = |value: &Value| value.as_str().or(value["value"].as_str()).unwrap_or_default().to_owned();
        let offered =
            |item: &Value| Offered { label: text(&item["label"]), documentation: text(&item["documentation"]) };
        items.iter().map(offered).collect()
    }

    /// What is told about what is under the cursor.
    pub(crate) fn told(&mut self, document: &Document) -> String {
        let answer = self.ask("textDocument/hover", &document.place());
        answer["contents"]["value"].as_str().unwrap_or_default().to_owned()
    }

    fn ask(&mut self, method: &str, parameters: &Value) -> Value {
        self.sent += 1;
        let id = self.sent;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": parameters}));
        let answer =
            self.until(|message| (message["id"] == id && message.get("method").is_none()).then(|| message.clone()));
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    fn tell(&mut self, method: &str, parameters: &Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": parameters}));
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.input.flush().unwrap();
    }

    /// Waits for a message, and answers what the server asks meanwhile.
    fn until(&mut self, wanted: impl Fn(&Value) -> Option<Value>) -> Value {
        loop {
            let message = self.messages.recv_timeout(ANSWERS_WITHIN).expect("the server says nothing");
            if message.get("method").is_some() && message.get("id").is_some() {
                let answer = answer(&message);
                self.send(&json!({"jsonrpc": "2.0", "id": message["id"], "result": answer}));
            }
            if let Some(found) = wanted(&message) {
                return found;
            }
        }
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Document {
    fn place(&self) -> Value {
        json!({"textDocument": {"uri": self.uri}, "position": self.cursor.as_ref().expect("a cursor")})
    }
}

/// The answer to what the server asks: its settings, which keep it off the network.
fn answer(question: &Value) -> Value {
    if question["method"] != "workspace/configuration" {
        return Value::Null;
    }
    let settings = json!({"validate": true, "completion": true, "hover": true, "schemaStore": {"enable": false}});
    let of = |item: &Value| if item["section"] == "yaml" { settings.clone() } else { Value::Null };
    question["params"]["items"].as_array().unwrap().iter().map(of).collect()
}

/// Reads a message; `None` at the end.
fn message(output: &mut impl BufRead) -> Option<Value> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().ok(),
            Some(_) => {}
            None => break,
        }
    }
    let mut text = vec![0; length?];
    output.read_exact(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}
