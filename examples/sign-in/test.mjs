// Walks through the sign-in in a real browser, and holds every page against the accessibility rules of axe-core.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { startGate } from "../harness.mjs";

const { source: axe } = createRequire(import.meta.url)("axe-core");
const folder = fileURLToPath(new URL(".", import.meta.url));
const pictures = process.env.SCREENSHOTS;
const PASSWORD = "seven geese above the harbour";

let gate, browser, origin;

before(async () => {
  gate = await startGate(folder, 9, {});
  origin = gate.origin.replace("https://127.0.0.1", "http://localhost");
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  if (pictures) await mkdir(pictures, { recursive: true });
});

after(async () => {
  await browser?.close();
  await gate?.stop();
});

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
  assert.deepEqual(page.faults.filter((it) => !/status of (422|401|403|404|410|429)/.test(it)), [], name);
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
