use http::{HeaderValue, StatusCode};
use proptest::prelude::*;

use super::{MAX_FRAME_BYTES, Runtime, TRACE_WINDOW, is_stack_trace, may_hold_trace, replaces_body, traced_runtime};

const TRACES: &[(Runtime, &str)] = &[
    (
        Runtime::JavaScript,
        "TypeError: x is not a function\n    at handler (/app/server.js:14:9)\n    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)",
    ),
    (
        Runtime::JavaScript,
        "<pre>Error: no such user<br> &nbsp; &nbsp;at /srv/app/routes.js:3:11<br> &nbsp; &nbsp;at Layer.handle [as handle_request] (/srv/app/node_modules/express/lib/router/layer.js:95:5)</pre>",
    ),
    (
        Runtime::JavaScript,
        r#"{"error":"boom","stack":"Error: boom\n    at async load (file:///app/a.mjs:1:2)\n    at async /app/b.ts:3:4"}"#,
    ),
    (Runtime::JavaScript, r#"{"stack":["at f (/a/x.cjs:1:2)", "at Object.<anonymous> (/a/y.cjs:3:4)"]}"#),
    (
        Runtime::Managed,
        "java.lang.IllegalStateException: closed\n\tat com.example.Shop.buy(Shop.java:12)\n\tat com.example.Shop.<init>(Shop.java:7)\nCaused by: java.io.IOException",
    ),
    (
        Runtime::Managed,
        r#"{"trace":"org.x.Y: z\r\n\tat java.base/jdk.internal.reflect.Native.invoke(Native Method)\r\n\tat org.x.Y.z(Y.kt:3)\r\n"}"#,
    ),
    (
        Runtime::Managed,
        "System.NullReferenceException: Object reference not set\r\n   at Shop.Api.Orders.Get(Int32 id) in C:\\src\\Orders.cs:line 42\r\n   at lambda_method7(Closure, Object)\r\n   at Microsoft.AspNetCore.Mvc.Invoker.InvokeAsync()",
    ),
    (
        Runtime::Python,
        "Traceback (most recent call last):\n  File \"/app/main.py\", line 12, in get\n    return d[k]\nKeyError: 'k'",
    ),
    (Runtime::Python, r#"{"detail":"Traceback (most recent call last):\n  File \"/app/main.py\", line 12, in get\n"}"#),
    (
        Runtime::Python,
        "<pre>  File &quot;/app/a.py&quot;, line 1, in a\n  File &quot;/app/b.py&quot;, line 2, in b</pre>",
    ),
    (Runtime::Ruby, "app/models/user.rb:12:in `find': not found (RuntimeError)\n\tfrom app/main.rb:3:in `<main>'"),
    (Runtime::Ruby, r#"{"traces":["app/a.rb:1:in 'A#b'","app/c.rb:2:in 'C.d'"]}"#),
    (
        Runtime::Php,
        "PHP Fatal error:  Uncaught Exception: x in /var/www/a.php:3\nStack trace:\n#0 /var/www/a.php(7): f()\n#1 {main}\n  thrown in /var/www/a.php on line 3",
    ),
    (
        Runtime::Php,
        "<br />\n<b>Warning</b>:  Undefined variable $x in <b>/var/www/index.php</b> on line <b>3</b><br />",
    ),
    (
        Runtime::Php,
        r#"{"exception":"X","file":"\/var\/www\/A.php","line":3,"trace":[{"file":"\/var\/www\/B.php", "line":5,"function":"f"}]}"#,
    ),
    (
        Runtime::Go,
        "panic: runtime error\n\ngoroutine 17 [running]:\nmain.handler(0xc0000140a0)\n\t/app/main.go:21 +0x1d",
    ),
    (
        Runtime::Rust,
        "thread 'tokio-runtime-worker' panicked at src/main.rs:4:10:\ncalled `Option::unwrap()` on a `None` value",
    ),
    (Runtime::Rust, "Error: no row\n\nStack backtrace:\n   0: shop::load\n             at ./src/load.rs:7:5"),
    (Runtime::DebugPage, "<!doctype html><title>ZeroDivisionError // Werkzeug Debugger</title>"),
];

const ORDINARY: &[&str] = &[
    "",
    "The meeting is at 10:30, at the office (second floor).\nat noon we eat. at home (later) we rest.",
    "Open server.js:12:4 and look at handler.js:3:1, then at util.js:9:9.",
    "A traceback shows the most recent call last. Open File \"main.py\", line 12, and fix it.",
    "In config.php on line 12, change the host. Warning: restart afterwards.",
    "Call foo.php(12) to test.",
    "A goroutine is cheap; goroutine 17 waits in main.go:21.",
    "The program panicked at the sight of lib.rs:3, said the thread.",
    "Ruby prints app.rb:12:in and the method.",
    "at example.com (a site)\nat example.org (another)",
    r#"{"error":"not found","message":"No user with this id at /users/7","at":"2026-01-01T10:11:12Z","duration":"1:22:33"}"#,
    r#"{"looks":"at ","file":"a.php","line":3,"items":[{"at":"x.y(z)"},{"b":"at 5:12:33"}]}"#,
    r#"{"errors":[{"pointer":"/items/0","message":"must be at least 1"}],"see":"https://example.com/docs#at (x)"}"#,
    "# Changelog\n\n- fixed a crash at start-up (see main.rs:12)\n- at last: Type.method(arg) is public\n- faster\n",
    "def f():\n    return open('x.rb').read()  # from lib/x.rb:12\n",
    "<p>Look at <code>com.example.Shop.buy(Shop.java:12)</code> and at <code>com.example.Shop</code>.</p>",
    "Exception handling: catch IllegalStateException; Caused by a closed stream.",
];

#[test]
fn every_runtimes_trace_is_known() {
    for (runtime, body) in TRACES {
        assert_eq!(traced_runtime(body.as_bytes()), Some(*runtime), "{body}");
        let body = format!("<!doctype html><html><body><h1>Internal error</h1>\n{body}");
        assert!(is_stack_trace(body.as_bytes()));
    }
}

#[test]
fn prose_documents_and_ordinary_errors_pass() {
    for body in ORDINARY {
        assert_eq!(traced_runtime(body.as_bytes()), None, "{body}");
    }
}

#[test]
fn only_the_beginning_of_a_body_is_looked_at() {
    let (_, trace) = TRACES[0];
    assert!(is_stack_trace(format!("{}\n{trace}", "x".repeat(TRACE_WINDOW - 2 * MAX_FRAME_BYTES)).as_bytes()));
    assert!(!is_stack_trace(format!("{}\n{trace}", "x".repeat(TRACE_WINDOW)).as_bytes()));
}

#[test]
fn every_server_error_is_replaced_and_nothing_else() {
    for code in 100..600 {
        let status = StatusCode::from_u16(code).expect("a status");
        assert_eq!(replaces_body(status), code >= 500);
    }
}

#[test]
fn text_is_looked_at_and_streams_and_pictures_are_not() {
    let looked_at = |text| may_hold_trace(Some(&HeaderValue::from_static(text)));
    assert!(may_hold_trace(None));
    assert!(
        ["text/html; charset=utf-8", "Application/JSON", "application/problem+json", "text/plain"]
            .into_iter()
            .all(looked_at)
    );
    assert!(!["text/event-stream", "image/png", "application/octet-stream", "text/css"].into_iter().any(looked_at));
}

proptest! {
    #[test]
    fn any_bytes_are_answered(pieces in proptest::collection::vec(prop_oneof![
        "[ -~\\n]{0,12}", Just("\n at ".to_owned()), Just("File \"".to_owned()), Just(".php(1".to_owned()), Just("\\n".to_owned()), Just(":1:2".to_owned()),
    ], 0..40)) {
        let _ = traced_runtime(pieces.concat().as_bytes());
    }
}
