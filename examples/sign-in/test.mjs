// Walks through the sign-in in a real browser, and holds every page against the accessibility rules of axe-core.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, createHmac, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { start, startGate } from "../harness.mjs";

const { source: axe } = createRequire(import.meta.url)("axe-core");
const folder = fileURLToPath(new URL(".", import.meta.url));
const pictures = process.env.SCREENSHOTS;
const PASSWORD = "seven geese above the harbour";

let gate, inbox, keys, browser, origin;

/// What the example leaves out: a mail server, and an application that asks people.
const more = (port) => `
[identity.smtp]
host = "localhost"
port = ${port}
ca = "${keys}/cert.pem"
username = "gate"
password = { env = "SMTP_PASSWORD" }
from = "Example <gate@example.com>"

[[clients]]
id = "app"
name = "The App"
redirect_uris = ["http://localhost:8443/app/callback"]
scopes = ["openid", "profile", "email", "offline_access", "orders:read"]
grants = ["authorization_code", "refresh_token", "device_code"]
`;

before(async () => {
  const env = { SMTP_PASSWORD: randomBytes(24).toString("base64url") };
  keys = await mkdtemp(join(tmpdir(), "bartizan-inbox-"));
  const files = [join(keys, "cert.pem"), join(keys, "key.pem")];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"];
  const kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  execFileSync("openssl", [...kind, ...names, "-out", files[0], "-keyout", files[1]], { stdio: "ignore" });
  inbox = await start(process.env.PYTHON ?? "python3", [join(folder, "inbox.py"), ...files], { env, ready: /listening on/ });
  gate = await startGate(folder, 9, env, (text) => text + more(inbox.said.join().match(/listening on (\d+)/)[1]));
  origin = gate.origin.replace("https://127.0.0.1", "http://localhost");
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  if (pictures) await mkdir(pictures, { recursive: true });
});

after(async () => {
  await browser?.close();
  await gate?.stop();
  await inbox?.stop();
  await rm(keys, { recursive: true, force: true });
});

/// The mail that comes next, when `count` have come before.
async function mail(count) {
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(50)) {
    const mails = inbox.said.filter((line) => line.startsWith("{"));
    if (mails.length > count) return JSON.parse(mails[count]);
  }
  throw new Error(`no mail:\n${inbox.said.join("\n")}\n${gate.said.join("\n")}`);
}

const link = (mail) => mail.plain.match(/http:\S+/)[0];

/// A person at a browser. What the page's policy refuses, or a script throws, is a fault.
async function person(options = {}) {
  const context = await browser.newContext({ baseURL: origin, viewport: { width: 1100, height: 900 }, ...options });
  const page = await context.newPage();
  page.faults = [];
  page.on("console", (message) => message.type() === "error" && page.faults.push(message.text()));
  page.on("pageerror", (error) => page.faults.push(String(error)));
  return page;
}

/// Looks at a page: by the rules of axe, in light and dark, wide and narrow.
async function look(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    for (const [form, viewport] of [["wide", { width: 1100, height: 900 }], ["phone", { width: 360, height: 740 }]]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize(viewport);
      if (pictures) await page.screenshot({ path: `${pictures}/${name}-${colorScheme}-${form}.png`, fullPage: true });
      const { scroll, inner } = await page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, inner: innerWidth }));
      assert.ok(scroll <= inner, `${name} is wider than a ${form} screen`);
    }
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => axe.run());
    const found = violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.html).join(" ")}`);
    assert.deepEqual(found, [], `${name}, ${colorScheme}`);
  }
  assert.deepEqual(page.faults.filter((it) => !/status of (400|422|401|403|404|410|429)/.test(it)), [], name);
}

/// What an authenticator app shows (RFC 6238).
function code(secret, at = Date.now()) {
  const bits = [...secret.replaceAll(" ", "")].map((it) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(it).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const tag = createHmac("sha1", key).update(step).digest();
  return String((tag.readUInt32BE(tag.at(-1) & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

async function signIn(page, name, password) {
  await page.goto("/auth/login");
  await page.getByLabel("User name or e-mail").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

let recovery = [];

test("from the link to a signed-in administrator with a second factor", async () => {
  const link = gate.said.map((line) => line.match(/http:\S+\/auth\/setup\?token=\S+/)?.[0]).find(Boolean);
  const page = await person();
  await page.goto(link);
  await look(page, "setup");
  await page.getByLabel("Your user name").fill("root");
  await page.getByLabel("New password").fill("password");
  await page.getByLabel("The same again").fill("password");
  await page.getByRole("button", { name: "Make the account" }).click();
  assert.match(await page.getByRole("alert").textContent(), /short|guessed/);
  await page.getByLabel("New password").fill(PASSWORD);
  await page.getByLabel("The same again").fill(PASSWORD);
  await page.getByRole("button", { name: "Make the account" }).click();
  await page.waitForURL("**/auth/account/authenticator");
  await look(page, "authenticator");
  const secret = await page.locator("code").textContent();
  await page.getByLabel("Code from your authenticator app").fill(code(secret));
  await page.getByRole("button", { name: "Verify" }).click();
  recovery = await page.locator(".codes li").allTextContents();
  assert.equal(recovery.length, 10);
  await look(page, "recovery-codes");
  await page.getByRole("button", { name: "I have kept them" }).click();
  await page.waitForURL("**/auth/account?");
  await look(page, "account");
  await page.getByRole("link", { name: "See what applications may" }).click();
  await look(page, "applications");
  await page.getByRole("link", { name: "Your account" }).click();

  const kept = await page.evaluate(() => ({ ...localStorage, ...sessionStorage, cookie: document.cookie }));
  assert.deepEqual(kept, { cookie: "" }, "a script finds nothing that opens anything");
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await page.getByRole("status").waitFor();
  await look(page, "signed-out");
});

test("a recovery code in place of the phone, without any script", async () => {
  const page = await person({ javaScriptEnabled: false, locale: "de-DE" });
  await page.goto("/auth/login");
  assert.equal(await page.title(), "Anmelden – Example");
  await page.getByLabel("Benutzername oder E-Mail").fill("root");
  await page.getByLabel("Passwort").fill(PASSWORD);
  await page.getByRole("button", { name: "Anmelden" }).click();
  await page.getByText("Das Telefon ist nicht zur Hand").click();
  await page.getByLabel("Wiederherstellungscode").fill(recovery[0]);
  await page.locator("details").getByRole("button", { name: "Prüfen" }).click();
  await page.waitForURL("**/auth/account");
  assert.equal(await page.locator("h1").textContent(), "Ihr Konto");
});

test("what goes wrong is said where everybody finds it", async () => {
  const page = await person();
  await page.goto("/auth/login");
  await look(page, "login");
  await signIn(page, "root", "wrong");
  assert.equal(await page.getByRole("alert").textContent(), "Name or password is not right.");
  await look(page, "login-wrong");
  await signIn(page, "root", PASSWORD);
  await look(page, "second-factor");
  await page.getByLabel("Code from your authenticator app").fill("000000");
  await page.getByRole("button", { name: "Verify" }).first().click();
  assert.match(await page.getByRole("alert").textContent(), /not right/);
  await page.goto("/auth/setup?token=used");
  await look(page, "link-too-old");
  await page.goto("/auth/nowhere");
  await look(page, "not-found");
});

test("a passkey is made and signs in by itself, unless its holder was not verified", async () => {
  const page = await person();
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  const options = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true };
  const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", { options });
  await signIn(page, "root", PASSWORD);
  await page.getByText("The phone is not at hand").click();
  await page.getByLabel("Recovery code").fill(recovery[1]);
  await page.locator("details").getByRole("button", { name: "Verify" }).click();
  await page.waitForURL("**/auth/account");
  await page.getByLabel("Name of the passkey").fill("laptop");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.waitForURL("**/auth/account?done=passkey");
  await look(page, "passkeys");
  await page.getByRole("button", { name: "Sign out", exact: true }).click();

  await page.goto("/auth/login");
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await page.waitForURL("**/auth/account");
  await page.getByRole("button", { name: "Sign out", exact: true }).click();

  await devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
  await page.goto("/auth/login");
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await page.getByText("The passkey did not work").waitFor();
  assert.equal(new URL(page.url()).pathname, "/auth/login");
});

test("somebody is invited by mail, forgets the password, and gets a new one by mail", async () => {
  await gate.run(["user", "invite", "ada", "--email", "ada@example.com", "--name", "Ada Lovelace"]);
  const invitation = await mail(0);
  assert.deepEqual([invitation.to, invitation.tls, invitation.subject], [["ada@example.com"], true, "Your invitation – Example"]);
  const page = await person();
  await page.goto(link(invitation));
  await page.getByLabel("Name of the passkey").waitFor();
  await look(page, "welcome");
  await page.getByLabel("New password").fill(PASSWORD);
  await page.getByLabel("The same again").fill(PASSWORD);
  await page.getByRole("button", { name: "Set password" }).click();
  await signIn(page, "ada", PASSWORD);
  await page.waitForURL("**/auth/account");
  await page.getByText("ada@example.com (verified)").waitFor();
  await look(page, "account-plain");

  const forgetful = await person();
  await forgetful.goto("/auth/login");
  await forgetful.getByRole("link", { name: "Forgotten your password?" }).click();
  await look(forgetful, "forgotten");
  await forgetful.getByLabel("User name or e-mail").fill("ada@example.com");
  await forgetful.getByRole("button", { name: "Send the link" }).click();
  await look(forgetful, "link-is-sent");
  const reset = await mail(1);
  assert.ok(reset.html.includes(link(reset)) && !/<img|<link|src=/.test(reset.html));
  if (pictures) {
    const shown = await person();
    await shown.setContent(reset.html);
    await shown.screenshot({ path: `${pictures}/mail.png` });
  }
  await forgetful.goto(link(reset));
  const chosen = "nine otters under the old bridge";
  await forgetful.getByLabel("New password").fill(chosen);
  await forgetful.getByLabel("The same again").fill(chosen);
  await forgetful.getByRole("button", { name: "Set password" }).click();
  await signIn(forgetful, "ada", chosen);
  await forgetful.waitForURL("**/auth/account");
  await page.goto("/auth/account");
  assert.equal(new URL(page.url()).pathname, "/auth/login", "whoever was signed in is out");
  assert.match((await mail(2)).subject, /^Your password was changed/);
});

/// The page of an authorization request of the example's application.
const authorize = (changes = {}) => {
  const query = {
    client_id: "app",
    redirect_uri: `${origin}/app/callback`,
    response_type: "code",
    scope: "openid profile email offline_access orders:read",
    state: "s",
    code_challenge: createHash("sha256").update("v".repeat(43)).digest("base64url"),
    code_challenge_method: "S256",
    ...changes,
  };
  return `/auth/authorize?${new URLSearchParams(query)}`;
};

test("the provider's pages look like all others, in every language", async () => {
  for (const [locale, question, wrong, leave] of [
    ["en-GB", "Allow access?", "This did not work", "Sign out?"],
    ["de-DE", "Zugriff erlauben?", "Das ging nicht", "Abmelden?"],
  ]) {
    const page = await person({ locale });
    await page.goto("/auth/login");
    await page.locator("[name=username]").fill("ada");
    await page.locator("[name=password]").fill("nine otters under the old bridge");
    await page.locator("form:has([name=password]) button").click();
    await page.waitForURL("**/auth/account");
    await page.goto(authorize());
    assert.equal(await page.locator("h1").textContent(), question);
    await look(page, `consent-${locale}`);
    await page.locator("button[value=deny]").click();
    await page.waitForURL("**/app/callback?*");
    assert.equal(new URL(page.url()).searchParams.get("error"), "access_denied");
    page.faults.length = 0; // what is behind the gate is not there
    await page.goto(authorize({ client_id: "unknown" }));
    assert.equal(await page.locator("h1").textContent(), wrong);
    await look(page, `wrong-${locale}`);
    await page.goto("/auth/logout");
    assert.equal(await page.locator("h1").textContent(), leave);
    await look(page, `sign-out-${locale}`);
    await page.locator("form button").click();
    await page.getByRole("status").waitFor();
  }
});

test("a device without a keyboard is let in by whoever types its code", async () => {
  const ask = (path, fields) => fetch(`${origin}${path}`, { method: "POST", body: new URLSearchParams({ client_id: "app", ...fields }) });
  const begun = await (await ask("/auth/device", { scope: "openid email" })).json();
  const poll = async () => (await ask("/auth/token", { grant_type: "urn:ietf:params:oauth:grant-type:device_code", device_code: begun.device_code })).json();
  assert.equal((await poll()).error, "authorization_pending");
  const page = await person();
  await page.goto(begun.verification_uri);
  await page.getByLabel("User name or e-mail").fill("ada");
  await page.getByLabel("Password").fill("nine otters under the old bridge");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.waitForURL("**/auth/device");
  await look(page, "device");
  await page.getByLabel("Code").fill(begun.user_code.toLowerCase());
  await page.getByRole("button", { name: "Continue" }).click();
  await look(page, "device-question");
  await page.getByRole("button", { name: "Allow", exact: true }).click();
  await page.getByRole("status").waitFor();
  await look(page, "device-connected");
  await sleep(begun.interval * 1000);
  assert.ok((await poll()).access_token);
});
