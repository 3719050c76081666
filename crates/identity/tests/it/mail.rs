use std::time::Duration;

use bartizan_identity::people::UserCommand;
use http::StatusCode;
use serde_json::Value;

use crate::house::{Browser, House, PASSWORD, Page, told};
use crate::smtp::{Inbox, Manner, server_at};

const NEW: &str = "eleven cranes below the lighthouse";

async fn house(inbox: &Inbox) -> House {
    House::with(|config| config.mail = Some(inbox.server())).await
}

async fn forgotten(browser: &Browser, name: &str) -> Page {
    let page = browser.get("/auth/forgotten").await;
    browser.submit(&page, "/forgotten", &[("username", name)]).await
}

fn invite(username: &str, email: Option<&str>, print: bool) -> UserCommand {
    UserCommand::Invite {
        username: username.to_owned(),
        name: None,
        email: email.map(str::to_owned),
        roles: vec!["staff".into()],
        groups: Vec::new(),
        locale: None,
        print,
    }
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_a_link_sent_to_the_accounts_address() {
    let inbox = Inbox::open(Manner::Takes).await;
    let mut house = house(&inbox).await;
    house.user("ada", &[]).await;
    let thief = house.browser_at("198.51.100.1");
    thief.sign_in("ada", PASSWORD).await;
    let browser = house.browser();
    let login = browser.get("/auth/login").await;
    assert!(login.html.contains("/auth/forgotten"), "the way is shown where there is one");
    assert_eq!(forgotten(&browser, "ada").await.status, StatusCode::OK);
    assert!(inbox.mails().is_empty(), "who asks waits for no mail server");
    house.identity.deliver_waiting_mail().await.unwrap();
    let mail = inbox.mails().remove(0);
    for part in ["To: ada@example.com", "From: \"The Gate\" <gate@example.com>", "Auto-Submitted: auto-generated"] {
        assert!(mail.contains(part), "{part}: {mail}");
    }
    assert!(mail.contains("multipart/alternative") && mail.contains("text/plain") && mail.contains("text/html"));

    let page = browser.get(&inbox.link()).await;
    let fields = [("new_password", NEW), ("repeated", NEW)];
    assert!(browser.submit(&page, "/welcome", &fields).await.leads_to("/auth/login?done=password"));
    assert_eq!(browser.submit(&page, "/welcome", &fields).await.status, StatusCode::GONE, "it opens once");
    assert_eq!(thief.get("/auth/account").await.status, StatusCode::SEE_OTHER, "whoever was in is out");
    assert!(browser.sign_in("ada", NEW).await.leads_to("/auth/account"));
    let shown = house.administer(UserCommand::Show { who: "ada".to_owned() }).await.unwrap();
    assert_eq!(shown["email_verified"], true, "who has the link has read mail to that address");

    house.identity.deliver_waiting_mail().await.unwrap();
    assert!(inbox.mails()[1].contains("password of your account was just changed"), "its holder hears of it");
    let told = told(&house.events().await);
    for action in ["link-made", "mail-sent", "password-changed"] {
        assert!(told.iter().any(|(it, outcome, _)| it == action && outcome == "success"), "{action}");
    }
}

#[tokio::test]
async fn whether_there_is_an_account_shows_in_no_answer() {
    let inbox = Inbox::open(Manner::Takes).await;
    let mut house = house(&inbox).await;
    house.user("ada", &[]).await;
    house.administer(UserCommand::Disable { who: "ada".to_owned() }).await.unwrap();
    house.user("eve", &[]).await;
    let mut answers = Vec::new();
    for name in ["eve", "ada", "nobody", "eve@example.com", "nobody@example.com", "\"><script>"] {
        let page = forgotten(&house.browser(), name).await;
        assert_eq!(page.status, StatusCode::OK, "{name}");
        answers.push(page.html);
    }
    assert!(answers.windows(2).all(|two| two[0] == two[1]), "word for word the same");
    house.identity.deliver_waiting_mail().await.unwrap();
    let mails = inbox.mails();
    assert_eq!(mails.len(), 2, "by name and by address");
    assert!(mails.iter().all(|mail| mail.contains("To: eve@example.com")));
    let told = told(&house.events().await);
    for reason in ["no-such-account", "disabled"] {
        assert!(told.iter().any(|(action, _, why)| action == "mail-sent" && why == reason), "{reason}");
    }
}

#[tokio::test]
async fn mails_are_throttled_by_account_and_by_address_alike_for_names_that_nobody_has() {
    let inbox = Inbox::open(Manner::Takes).await;
    let house = house(&inbox).await;
    house.user("ada", &[]).await;
    for name in ["ada", "nobody"] {
        let tries: Vec<StatusCode> = {
            let mut all = Vec::new();
            for number in 0..5 {
                all.push(forgotten(&house.browser_at(&format!("192.0.2.{number}")), name).await.status);
            }
            all
        };
        assert_eq!(tries.iter().filter(|it| **it == StatusCode::TOO_MANY_REQUESTS).count(), 2, "{name}: {tries:?}");
    }
    let browser = house.browser_at("198.51.100.7");
    let mut refused = 0;
    for number in 0..30 {
        refused += usize::from(forgotten(&browser, &format!("name{number}")).await.status != StatusCode::OK);
    }
    assert!(refused >= 9, "{refused}");
}

#[tokio::test]
async fn a_dead_mail_server_takes_no_more_memory_than_so_many_mails_and_tells_everybody_alike() {
    let house = House::with(|config| config.mail = Some(server_at(9))).await;
    let (mut taken, mut refused) = (0, 0);
    for number in 0..300_u32 {
        // From as many addresses as it takes not to be throttled.
        let browser = house.browser_at(&format!("10.0.{}.{}", number / 16, number % 16 * 16));
        match forgotten(&browser, &format!("name{number}")).await.status {
            StatusCode::OK => taken += 1,
            StatusCode::SERVICE_UNAVAILABLE => refused += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!((taken, refused), (256, 44));
}

#[tokio::test]
async fn a_mail_that_is_refused_is_told_in_the_log_and_to_the_operator() {
    let inbox = Inbox::open(Manner::Refuses).await;
    let mut house = house(&inbox).await;
    house.administer(invite("ada", Some("ada@example.com"), false)).await.unwrap();
    let cause = house.identity.deliver_waiting_mail().await.unwrap_err();
    assert!(cause.contains("refuses") && cause.contains("nobody here"), "{cause}");
    let told = told(&house.events().await);
    assert!(told.iter().any(|(action, _, why)| action == "mail-sent" && why == "mail-server-refuses"), "{told:?}");
}

#[tokio::test]
async fn who_asks_in_somebody_elses_name_does_not_make_their_link_worthless() {
    let inbox = Inbox::open(Manner::Takes).await;
    let house = house(&inbox).await;
    house.user("ada", &[]).await;
    forgotten(&house.browser(), "ada").await;
    house.identity.deliver_waiting_mail().await.unwrap();
    let hers = inbox.link();
    forgotten(&house.browser_at("198.51.100.1"), "ada").await;
    house.identity.deliver_waiting_mail().await.unwrap();
    assert_eq!(house.browser().get(&hers).await.status, StatusCode::OK);
    house.pass(Duration::from_mins(31));
    assert_eq!(house.browser().get(&hers).await.status, StatusCode::GONE, "it grows old");
}

#[tokio::test]
async fn an_address_is_verified_by_whoever_reads_its_mail_and_only_while_it_is_the_accounts() {
    let inbox = Inbox::open(Manner::Takes).await;
    let mut house = house(&inbox).await;
    house.user("ada", &[]).await;
    let browser = house.browser();
    browser.sign_in("ada", PASSWORD).await;
    let page = browser.get("/auth/account").await;
    assert!(browser.submit(&page, "/account/email", &[]).await.leads_to("/auth/account?done=verification-sent"));
    house.identity.deliver_waiting_mail().await.unwrap();
    let stale = inbox.link();
    let change = serde_json::from_value(serde_json::json!({ "email": "ada@new.example" })).unwrap();
    house.administer(UserCommand::Change { who: "ada".to_owned(), change }).await.unwrap();
    assert_eq!(browser.get(&stale).await.status, StatusCode::GONE, "it would vouch for an address that it never saw");

    browser.submit(&page, "/account/email", &[]).await;
    house.identity.deliver_waiting_mail().await.unwrap();
    let link = inbox.link();
    let elsewhere = house.browser();
    let opened = elsewhere.get(&link).await;
    let shown = |value: Value| value["email_verified"] == true;
    let who = || UserCommand::Show { who: "ada".to_owned() };
    assert!(opened.html.contains("ada@new.example"));
    assert!(!shown(house.administer(who()).await.unwrap()), "a program that looks at mails verifies nothing");
    assert_eq!(elsewhere.submit(&opened, "/verify", &[]).await.status, StatusCode::OK);
    assert!(shown(house.administer(who()).await.unwrap()));
    assert_eq!(elsewhere.submit(&opened, "/verify", &[]).await.status, StatusCode::GONE);
    assert!(told(&house.events().await).iter().any(|(action, _, _)| action == "email-verified"));
}

#[tokio::test]
async fn people_are_invited_by_mail_or_by_a_link_and_the_newer_one_counts() {
    let inbox = Inbox::open(Manner::Takes).await;
    let house = house(&inbox).await;
    let told = house.administer(invite("ada", Some("ada@example.com"), false)).await.unwrap();
    assert_eq!(told["mail_to"], "ada@example.com");
    assert!(told.get("link").is_none(), "what is mailed stands in no terminal");
    house.identity.deliver_waiting_mail().await.unwrap();
    let mailed = inbox.link();
    let told = house.administer(invite("ada", None, true)).await.unwrap();
    let printed = told["link"].as_str().unwrap().strip_prefix("https://gate.example").unwrap().to_owned();
    let browser = house.browser();
    assert_eq!(browser.get(&mailed).await.status, StatusCode::GONE);
    let page = browser.get(&printed).await;
    browser.submit(&page, "/welcome", &[("new_password", PASSWORD), ("repeated", PASSWORD)]).await;
    assert!(browser.sign_in("ada", PASSWORD).await.leads_to("/auth/account"));
    let refused = house.administer(invite("ada", None, true)).await.unwrap_err();
    assert!(refused.contains("bartizan user recover ada"), "{refused}");
}

#[tokio::test]
async fn mails_speak_the_readers_language() {
    let inbox = Inbox::open(Manner::Takes).await;
    let house = house(&inbox).await;
    house.user("ada", &[]).await;
    let browser = house.browser();
    let page = browser.get("/auth/forgotten").await;
    let form = page.between("name=\"form\" value=\"", "\"");
    let headers = [("accept-language", "de-AT")];
    let body = format!("form={form}&username=ada").into_bytes();
    browser.send(http::Method::POST, "/auth/forgotten", &headers, body).await;
    house.identity.deliver_waiting_mail().await.unwrap();
    let mail = inbox.mails().remove(0);
    assert!(mail.contains("um ein neues Passwort gebeten") && mail.contains("<html lang=\"de\">"), "{mail}");
}

#[tokio::test]
async fn without_a_mail_server_nothing_is_promised() {
    let house = House::build().await;
    let browser = house.browser();
    assert!(!browser.get("/auth/login").await.html.contains("/auth/forgotten"));
    assert_eq!(browser.get("/auth/forgotten").await.status, StatusCode::NOT_FOUND);
    let told = house.administer(invite("ada", Some("ada@example.com"), false)).await.unwrap();
    assert!(told["link"].as_str().unwrap().contains("/auth/welcome?token="));
}
