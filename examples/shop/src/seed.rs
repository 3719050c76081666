//! The tables, and the sample data that stands in them at the start. The card numbers are the published test numbers of
//! card schemes; the names are the ones of every cryptography paper.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sqlx::SqlitePool;

const SCHEMA: &str = "
    CREATE TABLE users (
        id INTEGER PRIMARY KEY,
        username TEXT NOT NULL UNIQUE,
        email TEXT NOT NULL,
        role TEXT NOT NULL DEFAULT 'customer',
        balance_cents INTEGER NOT NULL DEFAULT 0,
        address TEXT NOT NULL,
        card_number TEXT NOT NULL,
        password_hash TEXT NOT NULL
    ) STRICT;
    CREATE TABLE products (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        description TEXT NOT NULL,
        price_cents INTEGER NOT NULL,
        stock INTEGER NOT NULL CHECK (stock >= 0),
        image_url TEXT
    ) STRICT;
    CREATE TABLE orders (
        id INTEGER PRIMARY KEY,
        user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        product_id INTEGER NOT NULL REFERENCES products (id),
        quantity INTEGER NOT NULL,
        total_cents INTEGER NOT NULL,
        status TEXT NOT NULL DEFAULT 'placed',
        address TEXT NOT NULL,
        placed_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
    ) STRICT;
";

struct User {
    id: i64,
    name: &'static str,
    role: &'static str,
    balance: i64,
    address: &'static str,
    card: &'static str,
    password: &'static str,
}

const USERS: [User; 4] = [
    User {
        id: 1,
        name: "alice",
        role: "customer",
        balance: 50_000,
        address: "1 Rampart Row, Castleton",
        card: "4111 1111 1111 1111",
        password: "wonderland",
    },
    User {
        id: 2,
        name: "bob",
        role: "customer",
        balance: 20_000,
        address: "2 Moat Street, Castleton",
        card: "5555 5555 5555 4444",
        password: "builder",
    },
    User {
        id: 3,
        name: "mallory",
        role: "customer",
        balance: 100,
        address: "3 Sally Port, Castleton",
        card: "3782 822463 10005",
        password: "password1",
    },
    User {
        id: 4,
        name: "admin",
        role: "admin",
        balance: 0,
        address: "The Keep, Castleton",
        card: "6011 1111 1111 1117",
        password: "correct horse battery staple",
    },
];

/// Name, description, price in cents, stock.
const PRODUCTS: [(&str, &str, i64, i64); 5] = [
    ("Arrow", "A straight one, goose feathers", 250, 400),
    ("Lantern", "Burns a whole watch", 3_900, 12),
    ("Portcullis chain", "Forged, per fathom", 12_500, 30),
    ("Spyglass", "Sees the next hill", 8_900, 5),
    ("Watch bell", "Wakes the garrison", 15_000, 3),
];

/// Id, user, product, quantity, total in cents, status.
const ORDERS: [(i64, i64, i64, i64, i64, &str); 4] = [
    (41, 1, 2, 1, 3_900, "shipped"),
    (42, 1, 4, 1, 8_900, "placed"),
    (43, 2, 1, 20, 5_000, "placed"),
    (44, 3, 1, 1, 250, "placed"),
];

/// Makes and fills the tables unless they are there.
pub(crate) async fn fill(pool: &SqlitePool) -> Result<(), sqlx::Error> {
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'users'").fetch_one(pool).await?;
    if tables > 0 {
        return Ok(());
    }
    restore(pool).await
}

/// Makes and fills the tables, whatever stood there before.
pub(crate) async fn restore(pool: &SqlitePool) -> Result<(), sqlx::Error> {
    // One transaction: a shop that was stopped half-way starts from nothing again.
    let mut transaction = pool.begin().await?;
    sqlx::raw_sql("DROP TABLE IF EXISTS orders; DROP TABLE IF EXISTS products; DROP TABLE IF EXISTS users;")
        .execute(&mut *transaction)
        .await?;
    sqlx::raw_sql(SCHEMA).execute(&mut *transaction).await?;
    for user in USERS {
        sqlx::query("INSERT INTO users VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
            .bind(user.id)
            .bind(user.name)
            .bind(format!("{}@shop.example", user.name))
            .bind(user.role)
            .bind(user.balance)
            .bind(user.address)
            .bind(user.card)
            .bind(password_hash(user.password))
            .execute(&mut *transaction)
            .await?;
    }
    for (name, description, price, stock) in PRODUCTS {
        sqlx::query("INSERT INTO products (name, description, price_cents, stock) VALUES ($1, $2, $3, $4)")
            .bind(name)
            .bind(description)
            .bind(price)
            .bind(stock)
            .execute(&mut *transaction)
            .await?;
    }
    for (id, user, product, quantity, total, status) in ORDERS {
        sqlx::query(
            "INSERT INTO orders (id, user_id, product_id, quantity, total_cents, status, address)
             SELECT $1, id, $3, $4, $5, $6, address FROM users WHERE id = $2",
        )
        .bind(id)
        .bind(user)
        .bind(product)
        .bind(quantity)
        .bind(total)
        .bind(status)
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await
}

/// VULNERABLE (API2:2023, CWE-759, CWE-916): quick to compute and without a salt, so that one table breaks all of them.
pub(crate) fn password_hash(password: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, password.as_bytes()))
}
