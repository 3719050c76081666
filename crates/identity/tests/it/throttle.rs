use std::time::Duration;

use http::StatusCode;

use crate::house::{Browser, House, PASSWORD};

async fn guess(browser: &Browser, name: &str, times: usize) -> usize {
    let mut held_up = 0;
    for _ in 0..times {
        held_up += usize::from(browser.sign_in(name, "a wrong guess").await.status == StatusCode::TOO_MANY_REQUESTS);
    }
    held_up
}

#[tokio::test]
async fn guessing_is_slowed_down_for_accounts_that_exist_and_for_those_that_do_not() {
    let house = House::build().await;
    house.user("ada", &[]).await;
    for name in ["ada", "nobody"] {
        let attacker = house.browser();
        assert_eq!(guess(&attacker, name, 5).await, 0, "{name}");
        assert_eq!(guess(&attacker, name, 10).await, 10, "{name}");
        house.pass(Duration::from_secs(1));
        assert_eq!(guess(&attacker, name, 3).await, 2, "{name}: one more, and then a longer wait");
        let held_up = attacker.sign_in(name, "x").await;
        let wait: u64 = held_up.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((2..=4).contains(&wait), "{name}: {wait}");
    }
}

#[tokio::test]
async fn an_attacker_holds_up_nobody_but_himself() {
    let house = House::build().await;
    house.user("ada", &[]).await;
    let (attacker, ada) = (house.browser_at("198.51.100.1"), house.browser());
    guess(&attacker, "ada", 30).await;
    assert_eq!(attacker.sign_in("ada", PASSWORD).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(ada.sign_in("ada", PASSWORD).await.leads_to("/auth/account"));
}

#[tokio::test]
async fn a_botnet_is_slowed_down_and_a_known_device_still_comes_in() {
    let house = House::build().await;
    house.user("ada", &[]).await;
    let at_home = house.browser();
    assert!(at_home.sign_in("ada", PASSWORD).await.leads_to("/auth/account"));
    let mut held_up = 0;
    for host in 0..130 {
        let bot = house.browser_at(&format!("203.0.113.{host}"));
        held_up += guess(&bot, "ada", 1).await;
    }
    assert!(held_up > 20, "{held_up}");
    let elsewhere = house.browser_at("198.51.100.9");
    assert_eq!(elsewhere.sign_in("ada", PASSWORD).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(at_home.sign_in("ada", PASSWORD).await.leads_to("/auth/account"));
    house.pass(Duration::from_secs(31));
    assert!(
        elsewhere.sign_in("ada", PASSWORD).await.leads_to("/auth/account"),
        "the wait is never longer than half a minute"
    );
}

#[tokio::test]
async fn a_list_of_names_from_one_address_is_slowed_down_as_well() {
    let house = House::build().await;
    let attacker = house.browser();
    let mut held_up = 0;
    for number in 0..60 {
        held_up += guess(&attacker, &format!("name{number}"), 1).await;
    }
    assert!(held_up >= 15, "{held_up}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_sent_side_by_side_are_all_counted() {
    let house = House::build().await;
    house.user("ada", &[]).await;
    let attackers: Vec<_> = (0..30).map(|_| house.browser()).collect();
    let guesses = attackers.into_iter().map(|attacker| tokio::spawn(async move { guess(&attacker, "ada", 1).await }));
    let mut held_up = 0;
    for guess in guesses.collect::<Vec<_>>() {
        held_up += guess.await.unwrap();
    }
    assert_eq!(held_up, 25, "five were free, however they came");
}

#[tokio::test]
async fn no_ipv6_address_of_a_household_is_another_place() {
    let house = House::build().await;
    house.user("ada", &[]).await;
    let mut held_up = 0;
    for host in 0..20 {
        let attacker = house.browser_at(&format!("2001:db8:1:2::{host:x}"));
        held_up += guess(&attacker, "ada", 1).await;
    }
    assert_eq!(held_up, 15);
}
