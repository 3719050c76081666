//! A mail server that keeps what it is given: on the loopback, one conversation at a time, by the protocol (RFC 5321).

use std::sync::{Arc, Mutex};

use bartizan_identity::{MailSecurity, MailSender, MailServer};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What a server does with recipients.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Takes,
    Refuses,
}

pub(crate) struct Inbox {
    port: u16,
    mails: Arc<Mutex<Vec<String>>>,
}

impl Inbox {
    pub(crate) async fn open(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mails = Arc::new(Mutex::new(Vec::new()));
        let kept = mails.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Who hangs up early has said all it had to say.
                let _ = converse(stream, manner, &kept).await;
            }
        });
        Self { port, mails }
    }

    pub(crate) fn server(&self) -> MailServer {
        server_at(self.port)
    }

    /// What came so far, as it is read.
    pub(crate) fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().iter().map(|mail| decoded(mail)).collect()
    }

    /// The path of the link in the last mail.
    pub(crate) fn link(&self) -> String {
        let mails = self.mails();
        let mail = mails.last().expect("a mail");
        let (_, rest) = mail.split_once("https://gate.example").unwrap_or_else(|| panic!("no link: {mail}"));
        rest.split(|it: char| it.is_whitespace()).next().unwrap().to_owned()
    }
}

pub(crate) fn server_at(port: u16) -> MailServer {
    MailServer {
        host: "127.0.0.1".into(),
        port,
        security: MailSecurity::Plain,
        authorities: None,
        login: None,
        from: MailSender::parse("The Gate <gate@example.com>").unwrap(),
    }
}

async fn converse(stream: TcpStream, manner: Manner, kept: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 inbox.example\r\n").await?;
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let command = line.to_ascii_uppercase();
        let answer: &[u8] = match command.split_whitespace().next().unwrap_or_default() {
            "RCPT" if manner == Manner::Refuses => b"550 nobody here\r\n",
            "EHLO" | "MAIL" | "RCPT" | "RSET" | "NOOP" => b"250 yes\r\n",
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                let mut mail = String::new();
                while !mail.ends_with("\r\n.\r\n") {
                    if stream.read_line(&mut mail).await? == 0 {
                        return Ok(());
                    }
                }
                kept.lock().unwrap().push(mail);
                b"250 kept\r\n"
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => b"500 what?\r\n",
        };
        stream.write_all(answer).await?;
    }
}

/// Quoted-printable text as it is read (RFC 2045 §6.7).
fn decoded(mail: &str) -> String {
    let text = mail.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hexadecimal = after.get(..2).and_then(|it| std::str::from_utf8(it).ok());
        let byte = hexadecimal.filter(|_| first == b'=').and_then(|it| u8::from_str_radix(it, 16).ok());
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
