//! Whether bytes are JSON in the form of RFC 8785, and if not, what is wrong and where.
//!
//! One pass, no recursion, and no more memory than the keys of the objects that are open. What would be read in two ways
//! by two programs — a key twice, a number that is no double, half a surrogate pair — is told apart from what is only
//! written in another way.

use std::collections::BTreeSet;
use std::rc::Rc;

/// The deepest nesting: that of the deepest plan that can be read, and the body around it.
const MAX_DEPTH: usize = 130;

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FlawKind {
    /// It ends too early.
    Cut,
    /// It goes on after its end.
    Trailing,
    /// It is not UTF-8.
    NotUtf8,
    /// It is not JSON.
    Syntax,
    /// It nests deeper than [`MAX_DEPTH`].
    TooDeep,
    /// An object has a key twice.
    DuplicateKey,
    /// A number is beyond what a double holds.
    Number,
    /// Half a surrogate pair stands alone.
    Surrogate,
    /// It is JSON, written in another way than the canonical one.
    NotCanonical,
}

/// What is wrong, and at which byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) kind: FlawKind,
    pub(super) at: usize,
}

/// Checks a text.
///
/// # Errors
/// The first flaw that makes it mean nothing, or two things; else the first place that is not canonical.
pub(super) fn check(bytes: &[u8]) -> Result<(), Flaw> {
    let text = std::str::from_utf8(bytes).map_err(|error| Flaw {
        // A character that is cut off at the end was whole before somebody cut the text.
        kind: if error.error_len().is_some() { FlawKind::NotUtf8 } else { FlawKind::Cut },
        at: error.valid_up_to(),
    })?;
    let mut scan = Scan { text, at: 0, open: Vec::new(), odd: None };
    scan.document()?;
    match scan.odd {
        None => Ok(()),
        Some(at) => Err(Flaw { kind: FlawKind::NotCanonical, at }),
    }
}

/// What a value stands in.
enum Open {
    List,
    Object(Keys),
}

/// The keys of an object so far.
#[derive(Default)]
struct Keys {
    last: Option<Rc<str>>,
    all: BTreeSet<Rc<str>>,
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    open: Vec<Open>,
    /// The first place that is not canonical.
    odd: Option<usize>,
}

impl Scan<'_> {
    fn document(&mut self) -> Result<(), Flaw> {
        loop {
            self.space();
            let closed = match self.peek()? {
                b'[' => self.enter(Open::List, b']')?,
                b'{' => self.enter(Open::Object(Keys::default()), b'}')?,
                b'"' => self.string(None)?,
                b'-' | b'0'..=b'9' => self.number()?,
                b't' => self.word("true")?,
                b'f' => self.word("false")?,
                b'n' => self.word("null")?,
                _ => return self.flaw(FlawKind::Syntax),
            };
            if closed == Closed::No {
                continue;
            }
            if self.after()? == Closed::Yes {
                self.space();
                return if self.at == self.text.len() { Ok(()) } else { self.flaw(FlawKind::Trailing) };
            }
        }
    }

    /// Goes into a list or an object; it is closed at once if it is empty.
    fn enter(&mut self, open: Open, end: u8) -> Result<Closed, Flaw> {
        if self.open.len() >= MAX_DEPTH {
            return self.flaw(FlawKind::TooDeep);
        }
        self.at += 1;
        self.space();
        if self.peek()? == end {
            self.at += 1;
            return Ok(Closed::Yes);
        }
        let is_object = matches!(open, Open::Object(_));
        self.open.push(open);
        if is_object {
            self.key()?;
        }
        Ok(Closed::No)
    }

    /// Goes on after a value: to the next one, or out of what it stands in; says whether that was everything.
    fn after(&mut self) -> Result<Closed, Flaw> {
        while let Some(open) = self.open.last() {
            let (end, is_object) = match open {
                Open::List => (b']', false),
                Open::Object(_) => (b'}', true),
            };
            self.space();
            match self.peek()? {
                b',' => {
                    self.at += 1;
                    if is_object {
                        self.space();
                        self.key()?;
                    }
                    return Ok(Closed::No);
                }
                byte if byte == end => {
                    self.at += 1;
                    self.open.pop();
                }
                _ => return self.flaw(FlawKind::Syntax),
            }
        }
        Ok(Closed::Yes)
    }

    /// A key and its colon.
    fn key(&mut self) -> Result<(), Flaw> {
        let start = self.at;
        if self.peek()? != b'"' {
            return self.flaw(FlawKind::Syntax);
        }
        let mut key = String::new();
        self.string(Some(&mut key))?;
        if let Some(Open::Object(keys)) = self.open.last_mut() {
            let key: Rc<str> = key.into();
            if !keys.all.insert(Rc::clone(&key)) {
                return Err(Flaw { kind: FlawKind::DuplicateKey, at: start });
            }
            let last = keys.last.replace(Rc::clone(&key));
            if last.is_some_and(|last| !last.encode_utf16().lt(key.encode_utf16())) {
                self.odd.get_or_insert(start);
            }
        }
        self.space();
        if self.peek()? != b':' {
            return self.flaw(FlawKind::Syntax);
        }
        self.at += 1;
        Ok(())
    }

    /// A string, whose characters go into `read`.
    fn string(&mut self, mut read: Option<&mut String>) -> Result<Closed, Flaw> {
        self.at += 1;
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let plain = rest.find(|c: char| c == '"' || c == '\\' || c < ' ').unwrap_or(rest.len());
            let (plain, rest) = rest.split_at(plain);
            if let Some(read) = &mut read {
                read.push_str(plain);
            }
            self.at += plain.len();
            match rest.bytes().next() {
                None => return self.flaw(FlawKind::Cut),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Closed::Yes);
                }
                Some(b'\\') => {
                    let character = self.escape()?;
                    if let Some(read) = &mut read {
                        read.push(character);
                    }
                }
                Some(_) => return self.flaw(FlawKind::Syntax),
            }
        }
    }

    /// An escape, and the character that it stands for.
    fn escape(&mut self) -> Result<char, Flaw> {
        let start = self.at;
        self.at += 1;
        let letter = self.peek()?;
        self.at += 1;
        let character = match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'/' => {
                self.odd.get_or_insert(start);
                '/'
            }
            b'u' => {
                let character = self.unit(start)?;
                let written = self.text.get(start..self.at).unwrap_or_default();
                if !is_canonical_unit(character, written) {
                    self.odd.get_or_insert(start);
                }
                character
            }
            _ => return Err(Flaw { kind: FlawKind::Syntax, at: start }),
        };
        Ok(character)
    }

    /// The character of `\u` and four digits, or of two of them that are a surrogate pair.
    fn unit(&mut self, start: usize) -> Result<char, Flaw> {
        let first = self.digits()?;
        if !(0xd800..0xe000).contains(&first) {
            return char::from_u32(first).ok_or(Flaw { kind: FlawKind::Surrogate, at: start });
        }
        let lone = Flaw { kind: FlawKind::Surrogate, at: start };
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if !rest.starts_with(b"\\u") {
            let is_cut = rest.is_empty() || rest == b"\\";
            return Err(if is_cut { Flaw { kind: FlawKind::Cut, at: self.text.len() } } else { lone });
        }
        self.at += 2;
        let second = self.digits()?;
        if first >= 0xdc00 || !(0xdc00..0xe000).contains(&second) {
            return Err(lone);
        }
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or(lone)
    }

    fn digits(&mut self) -> Result<u32, Flaw> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = char::from(self.peek()?).to_digit(16);
            let Some(digit) = digit else { return self.flaw(FlawKind::Syntax) };
            value = value * 16 + digit;
            self.at += 1;
        }
        Ok(value)
    }

    fn number(&mut self) -> Result<Closed, Flaw> {
        let start = self.at;
        self.skip(|byte| byte == b'-', 1);
        match self.peek()? {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.skip(|byte| byte.is_ascii_digit(), usize::MAX),
            _ => return self.flaw(FlawKind::Syntax),
        }
        if self.next_is(b".") {
            self.at += 1;
            self.some_digits()?;
        }
        if self.next_is(b"eE") {
            self.at += 1;
            self.skip(|byte| matches!(byte, b'+' | b'-'), 1);
            self.some_digits()?;
        }
        let written = self.text.get(start..self.at).unwrap_or_default();
        let number = written.parse::<f64>().ok().filter(|number| number.is_finite());
        let Some(number) = number else { return Err(Flaw { kind: FlawKind::Number, at: start }) };
        if serde_json_canonicalizer::to_string(&number).ok().as_deref() != Some(written) {
            self.odd.get_or_insert(start);
        }
        Ok(Closed::Yes)
    }

    fn some_digits(&mut self) -> Result<(), Flaw> {
        if !self.peek()?.is_ascii_digit() {
            return self.flaw(FlawKind::Syntax);
        }
        self.skip(|byte| byte.is_ascii_digit(), usize::MAX);
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<Closed, Flaw> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if rest.starts_with(word) {
            self.at += word.len();
            return Ok(Closed::Yes);
        }
        self.flaw(if word.starts_with(rest) { FlawKind::Cut } else { FlawKind::Syntax })
    }

    /// White space, of which the canonical form has none.
    fn space(&mut self) {
        let start = self.at;
        self.skip(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'), usize::MAX);
        if self.at > start {
            self.odd.get_or_insert(start);
        }
    }

    fn skip(&mut self, fits: impl Fn(u8) -> bool, most: usize) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += rest.iter().take(most).take_while(|byte| fits(**byte)).count();
    }

    fn next_is(&self, any: &[u8]) -> bool {
        self.text.as_bytes().get(self.at).is_some_and(|byte| any.contains(byte))
    }

    fn peek(&self) -> Result<u8, Flaw> {
        self.text.as_bytes().get(self.at).copied().ok_or(Flaw { kind: FlawKind::Cut, at: self.at })
    }

    fn flaw<T>(&self, kind: FlawKind) -> Result<T, Flaw> {
        Err(Flaw { kind, at: self.at })
    }
}

/// Whether a value is complete.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Closed {
    Yes,
    No,
}

/// Whether the canonical form writes a character as `\u` and digits, and these.
fn is_canonical_unit(character: char, written: &str) -> bool {
    let has_short_form = matches!(character, '\u{8}' | '\t' | '\n' | '\u{c}' | '\r');
    character < ' ' && !has_short_form && written == format!("\\u{:04x}", u32::from(character))
}

#[cfg(test)]
mod tests;
