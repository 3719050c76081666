//! Answers that tell too much: which bodies of errors are replaced, and how a stack trace is known (CWE-209).
//!
//! A trace is recognized by its shape, not by words: frames at the beginning of lines, in the form that a runtime prints. Two frames
//! are needed, or one with the runtime's own headline, so that prose which mentions a file and a line passes. Lines are seen in plain
//! text, inside JSON strings (`\n`) and arrays, and in HTML. A page that quotes a whole trace, as documentation does, is taken for
//! one: such a route has to say that it may.

use http::{HeaderValue, StatusCode};
use memchr::memmem;

#[cfg(test)]
mod tests;

/// How much of a body is looked at. Frameworks print the trace first.
pub(crate) const TRACE_WINDOW: usize = 16 * 1024;
/// Longest frame that is read: a qualified name and a path.
const MAX_FRAME_BYTES: usize = 400;
/// Most places that are looked at for each runtime; a bound on what a crafted body costs.
const MAX_ANCHORS: usize = 512;

/// Whose trace it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runtime {
    /// Node.js, Deno, Bun.
    JavaScript,
    /// The JVM's and .NET's frames look alike: `at Name.space.Type.method(…)`.
    Managed,
    /// `CPython`.
    Python,
    /// Ruby.
    Ruby,
    /// PHP.
    Php,
    /// Go.
    Go,
    /// Rust.
    Rust,
    /// A framework's page for developers.
    DebugPage,
}

type Check = fn(&[u8]) -> bool;

/// Whether the body of an answer with this status is replaced unseen: every 5xx. What it says is about the inside of the backend.
pub(crate) fn replaces_body(status: StatusCode) -> bool {
    status.is_server_error()
}

/// Whether a body of this type is worth looking at: text that a framework would print a trace into. Event streams are not: they
/// would have to be held back.
pub(crate) fn may_hold_trace(content_type: Option<&HeaderValue>) -> bool {
    let Some(content_type) = content_type else { return true };
    let essence = content_type
        .as_bytes()
        .split(|&byte| byte == b';')
        .next()
        .unwrap_or_default()
        .trim_ascii()
        .to_ascii_lowercase();
    essence.ends_with(b"+json")
        || essence.ends_with(b"+xml")
        || matches!(
            &*essence,
            b"" | b"text/plain" | b"text/html" | b"text/xml" | b"application/json" | b"application/xml"
        )
}

/// Whether the beginning of a body holds a stack trace.
pub(crate) fn is_stack_trace(body: &[u8]) -> bool {
    traced_runtime(body).is_some()
}

/// Whose stack trace the beginning of a body holds, if any. Looks at [`TRACE_WINDOW`] bytes.
pub(crate) fn traced_runtime(body: &[u8]) -> Option<Runtime> {
    let text = body.get(..TRACE_WINDOW).unwrap_or(body);
    let checks: [(Runtime, Check); 6] = [
        (Runtime::DebugPage, is_debug_page),
        (Runtime::Python, has_python_trace),
        (Runtime::Ruby, has_ruby_trace),
        (Runtime::Php, has_php_trace),
        (Runtime::Go, has_go_trace),
        (Runtime::Rust, has_rust_trace),
    ];
    let named = checks.into_iter().find_map(|(runtime, is_present)| is_present(text).then_some(runtime));
    named.or_else(|| runtime_of_frames(text))
}

/// The runtimes whose frames begin with `at `, told apart in one pass.
fn runtime_of_frames(text: &[u8]) -> Option<Runtime> {
    let (mut javascript, mut managed) = (0, 0);
    for frame in frames_at(text) {
        javascript += usize::from(is_javascript_frame(frame));
        managed += usize::from(is_managed_frame(frame));
        if javascript == 2 {
            return Some(Runtime::JavaScript);
        }
        if managed == 2 {
            return Some(Runtime::Managed);
        }
    }
    None
}

/// `at fn (/app/x.js:1:2)`, `at async /app/x.js:1:2`, `at node:internal/…:1:2`.
fn is_javascript_frame(frame: &[u8]) -> bool {
    const FILES: [&[u8]; 8] =
        [b".js:", b".mjs:", b".cjs:", b".ts:", b".tsx:", b".jsx:", b"node:internal", b"<anonymous>:"];
    has_line_and_column(frame) && FILES.iter().any(|file| contains(frame, file))
}

/// `at com.example.Type.method(Type.java:12)`, `at Example.Type.Method(Int32 id) in C:\Type.cs:line 12`.
fn is_managed_frame(frame: &[u8]) -> bool {
    let name = frame.iter().take_while(|&&byte| is_name_byte(byte)).count();
    let (name, rest) = frame.split_at_checked(name).unwrap_or_default();
    let parts = name.split(|&byte| byte == b'.').filter(|part| !part.is_empty()).count();
    rest.first() == Some(&b'(') && rest.contains(&b')') && parts >= 2
}

/// `File "/app/x.py", line 12, in f`, whose quotes may be escaped for JSON or HTML.
fn has_python_trace(text: &[u8]) -> bool {
    let is_frame = |after: &[u8]| {
        let is_quoted = [b"\"".as_slice(), b"\\\"", b"&quot;", b"&#34;"].iter().any(|quote| after.starts_with(quote));
        is_quoted && number_after(after, b", line ").is_some()
    };
    match windows_after(text, b"File ").filter(|after| is_frame(after)).take(2).count() {
        0 => false,
        1 => contains(text, b"Traceback (most recent call last)"),
        _ => true,
    }
}

/// ``/app/x.rb:12:in `f'``, with either quote of the language's history.
fn has_ruby_trace(text: &[u8]) -> bool {
    let is_frame = |after: &[u8]| {
        let digits = leading_digits(after);
        let rest = after.get(digits..).and_then(|rest| rest.strip_prefix(b":in ")).unwrap_or_default();
        digits > 0 && [b"`".as_slice(), b"'", b"&#", b"&apos;"].iter().any(|quote| rest.starts_with(quote))
    };
    windows_after(text, b".rb:").filter(|after| is_frame(after)).take(2).count() == 2
}

/// `#0 /app/x.php(12): f()`, `<b>Warning</b>: … in <b>/app/x.php</b> on line <b>12</b>`, and Laravel's list of frames in JSON.
fn has_php_trace(text: &[u8]) -> bool {
    const HEADLINES: [&[u8]; 6] =
        [b"Fatal error", b"Parse error", b"Warning</b>", b"Notice</b>", b"Deprecated</b>", b"Uncaught "];
    if !contains(text, b".php") {
        return false;
    }
    let calls = windows_after(text, b".php(").filter(|after| leading_digits(after) > 0).take(2).count();
    if calls == 2 || (calls == 1 && contains(text, b"#0 ")) {
        return true;
    }
    let named = windows_after(text, b".php").filter(|after| {
        let after = after.strip_prefix(b"</b>").unwrap_or(after);
        after.starts_with(b" on line ")
    });
    if named.take(1).count() == 1 && HEADLINES.iter().any(|headline| contains(text, headline)) {
        return true;
    }
    let listed = windows_after(text, b".php\"").filter(|after| {
        let key = after.trim_ascii_start().strip_prefix(b",").unwrap_or_default().trim_ascii_start();
        key.starts_with(b"\"line\"")
    });
    listed.take(2).count() == 2
}

/// `goroutine 1 [running]:` and a source line.
fn has_go_trace(text: &[u8]) -> bool {
    let is_headline = |after: &[u8]| {
        let rest = after.get(leading_digits(after)..).unwrap_or_default();
        leading_digits(after) > 0 && rest.starts_with(b" [") && contains(rest, b"]:")
    };
    windows_after(text, b"goroutine ").any(is_headline)
        && windows_after(text, b".go:").any(|after| leading_digits(after) > 0)
}

/// `thread 'main' panicked at src/x.rs:1:2:`, or a `stack backtrace:` with source lines.
fn has_rust_trace(text: &[u8]) -> bool {
    let has_source = |after: &[u8]| windows_after(after, b".rs:").any(|after| leading_digits(after) > 0);
    let mut panics = windows_after(text, b"panicked at ");
    (panics.any(has_source) && contains(text, b"thread '")) || (contains(text, b"tack backtrace:") && has_source(text))
}

/// What frameworks print for developers only; their markup, not words that an article could use.
fn is_debug_page(text: &[u8]) -> bool {
    const MARKS: [&[u8]; 6] = [
        b"// Werkzeug Debugger</title>",
        b"seeing this error because you have <code>DEBUG = True</code>",
        b"<title>Action Controller: Exception caught</title>",
        b"<h1>Server Error in '/",
        b"<span><H1>Server Error in '/",
        b"<div class=\"exception-message-wrapper\">",
    ];
    text.trim_ascii_start().starts_with(b"<") && MARKS.iter().any(|mark| contains(text, mark))
}

/// What follows an `at ` that begins a line: of text, of a JSON string or element, or of HTML.
fn frames_at(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    memmem::find_iter(text, b"at ").take(MAX_ANCHORS).filter_map(|at| {
        let (before, rest) = text.split_at_checked(at)?;
        begins_line(before).then(|| line(rest.get(3..).unwrap_or_default()))
    })
}

/// Whether nothing but indentation stands between the end of this text and the beginning of its last line.
fn begins_line(mut before: &[u8]) -> bool {
    loop {
        before = match before {
            [rest @ .., b' ' | b'\t'] | [rest @ .., b'\\', b't'] | [rest @ .., b'&', b'n', b'b', b's', b'p', b';'] => {
                rest
            }
            [] | [.., b'\n' | b'\r' | b'"' | b'>' | b'\''] | [.., b'\\', b'n' | b'r'] => return true,
            _ => return false,
        }
    }
}

/// A frame ends with its line, or with the JSON string that it is in.
fn line(text: &[u8]) -> &[u8] {
    let text = text.get(..MAX_FRAME_BYTES).unwrap_or(text);
    let end = text.iter().position(|byte| matches!(byte, b'\n' | b'\r' | b'"')).unwrap_or(text.len());
    let escaped = memmem::find(text, b"\\n").unwrap_or(text.len());
    text.get(..end.min(escaped)).unwrap_or(text)
}

/// The bytes after each place where `anchor` stands, a frame's length of them.
fn windows_after<'a>(text: &'a [u8], anchor: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    memmem::find_iter(text, anchor).take(MAX_ANCHORS).map(move |at| {
        let after = text.get(at + anchor.len()..).unwrap_or_default();
        after.get(..MAX_FRAME_BYTES).unwrap_or(after)
    })
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    memmem::find(text, part).is_some()
}

fn leading_digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn number_after(text: &[u8], part: &[u8]) -> Option<usize> {
    let rest = text.get(memmem::find(text, part)? + part.len()..)?;
    Some(leading_digits(rest)).filter(|&digits| digits > 0)
}

/// `:12:34`
fn has_line_and_column(frame: &[u8]) -> bool {
    frame.split(|&byte| byte == b':').collect::<Vec<_>>().windows(2).any(|pair| match pair {
        [line, column] => !line.is_empty() && leading_digits(line) == line.len() && leading_digits(column) > 0,
        _ => false,
    })
}

/// Characters of qualified names in Java, Kotlin, Scala, C# and F#, HTML's escape of `<init>` among them.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'.' | b'_' | b'$' | b'`' | b'<' | b'>' | b'+' | b'[' | b']' | b'/' | b'@' | b'&' | b';' | b'|'
        )
}
