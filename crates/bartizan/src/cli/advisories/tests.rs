use std::io::{Cursor, Read as _, Write as _};
use std::net::TcpListener;

use super::*;

const RECORD: &str = r#"{"id": "GHSA-mh6f-8j2x-4483", "modified": "2023-09-11T16:38:29Z", "summary": "event-stream",
  "affected": [{"package": {"ecosystem": "npm", "name": "event-stream"}, "versions": ["3.3.6"]}]}"#;

fn quiet() -> Output {
    Output::new(Format::Text, true, true)
}

/// Answers one request with a status and a body; gives the address and, once it was asked, the request's first line.
fn mirror(status: &'static str, body: Vec<u8>) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/osv/", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.push(byte[0]);
        }
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len()).unwrap();
        stream.write_all(&body).unwrap();
        String::from_utf8(request).unwrap().lines().next().unwrap().to_owned()
    });
    (address, served)
}

fn archive(name: &str, content: &[u8]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(content).unwrap();
    archive.finish().unwrap().into_inner()
}

#[test]
fn an_update_fetches_each_ecosystems_archive_and_makes_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("advisories.index");
    let (from, served) = mirror("200 OK", archive("GHSA-mh6f-8j2x-4483.json", RECORD.as_bytes()));
    let update = Update { from, ecosystem: vec![Ecosystem::Npm], index: index.clone() };
    assert_eq!(format!("{:?}", update.run(quiet()).unwrap()), format!("{:?}", ExitCode::SUCCESS));
    assert_eq!(served.join().unwrap(), "GET /osv/npm/all.zip HTTP/1.1");
    let index = bartizan_scanner::deps::index::Index::open(&index).unwrap();
    assert_eq!(index.advisories(Ecosystem::Npm, "event-stream").unwrap().len(), 1);
}

#[test]
fn a_mirror_that_answers_anything_else_leaves_the_index_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("advisories.index");
    std::fs::write(&index, "as it was").unwrap();
    for (status, body) in [("302 Found", Vec::new()), ("404 Not Found", Vec::new())] {
        let (from, served) = mirror(status, body);
        let update = Update { from, ecosystem: vec![Ecosystem::Npm], index: index.clone() };
        assert!(format!("{:#}", update.run(quiet()).unwrap_err()).contains(status), "{status}");
        served.join().unwrap();
    }
    let (from, served) = mirror("200 OK", b"<html>log in</html>".to_vec());
    let update = Update { from, ecosystem: vec![Ecosystem::Npm], index: index.clone() };
    assert_eq!(format!("{:?}", update.run(quiet()).unwrap()), format!("{:?}", ExitCode::from(NOT_DONE)));
    served.join().unwrap();
    assert_eq!(std::fs::read_to_string(&index).unwrap(), "as it was");
}

#[test]
fn nothing_is_fetched_in_the_clear() {
    for from in ["http://mirror.example/osv", "ftp://mirror.example", "mirror.example", "https://mirror.example/?a=b"] {
        assert!(download::Mirror::new(from).is_err(), "{from}");
    }
    assert!(download::Mirror::new("http://127.0.0.1:8080/osv").is_ok());
}

#[test]
fn ecosystems_are_named_as_osv_names_them() {
    assert_eq!(ecosystem("pypi"), Ok(Ecosystem::PyPi));
    assert!(ecosystem("debian").unwrap_err().contains("crates.io"));
}
