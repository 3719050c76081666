// A new user's way from nothing to a page behind a passkey, in a real browser that trusts what `bartizan trust` told it to, and nothing else.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chromium } from "playwright-core";
import { startGate } from "../harness.mjs";

const run = promisify(execFile);
const folder = fileURLToPath(new URL(".", import.meta.url));
const binary = process.env.BARTIZAN_BIN;
/// `PACE=person` types 40 words a minute and reads each page before it is answered: for the figure.
const isPerson = process.env.PACE === "person";
const KEY = { delay: isPerson ? 300 : 0 };
const READING = isPerson ? 5_000 : 0;

let home, gate, application, seen;

before(async () => {
  home = await mkdtemp(join(tmpdir(), "bartizan-first-page-"));
  seen = [];
  application = http.createServer((request, response) => {
    seen.push(request.headers);
    response.setHeader("content-type", "text/html").end("<!doctype html><title>App</title><h1>only for you</h1>");
  });
  application.listen(0, "127.0.0.1");
  await once(application, "listening");
  gate = await startGate(folder, application.address().port, {});
});

after(async () => {
  await gate?.stop();
  application?.close();
  await rm(home, { recursive: true, force: true });
});

/// A browser of a user whose home is `home`.
async function browser() {
  const env = { ...process.env, HOME: home };
  return chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"], env });
}

const trust = (...flags) => run(binary, ["trust", join(gate.state, "bartizan.toml"), ...flags], { env: { ...process.env, HOME: home } });
const origin = () => gate.origin.replace("127.0.0.1", "localhost");

test("a browser that was told nothing warns", async () => {
  const stranger = await browser();
  const page = await stranger.newPage();
  await assert.rejects(page.goto(`${origin()}/app/index.html`), /ERR_CERT_AUTHORITY_INVALID/);
  await stranger.close();
});

test("from nothing to a page behind a passkey in under five minutes", async () => {
  const began = Date.now();
  const { stdout } = await trust();
  assert.match(stdout, /trusted by .*nssdb/);
  const own = await browser();
  const page = await own.newPage();
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  const options = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true };
  await devtools.send("WebAuthn.addVirtualAuthenticator", { options });
  await sleep(READING);

  await page.goto(gate.said.map((line) => line.match(/https:\S+\/auth\/setup\?token=\S+/)?.[0]).find(Boolean));
  await sleep(READING);
  await page.getByLabel("Your user name").pressSequentially("ada", KEY);
  for (const field of ["New password", "The same again"]) {
    await page.getByLabel(field).pressSequentially("seven geese above the harbour", KEY);
  }
  await page.getByRole("button", { name: "Make the account" }).click();
  await sleep(READING);
  await page.getByLabel("Name of the passkey").pressSequentially("laptop", KEY);
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await sleep(6 * READING); // ten recovery codes are shown once, and are printed
  await page.getByRole("button", { name: "I have kept them" }).click();
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await page.getByRole("status").waitFor();

  await page.goto(`${origin()}/app/index.html`);
  await sleep(READING);
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await page.waitForURL(`${origin()}/app/index.html`);
  assert.equal(await page.locator("h1").textContent(), "only for you");
  const seconds = (Date.now() - began) / 1000;
  console.log(`from nothing to a page behind a passkey: ${seconds.toFixed(0)} s${isPerson ? " at the pace of a person" : ""}`);
  assert.ok(seconds < 300, "five minutes");

  assert.equal(seen.length, 1, "before the sign-in nothing reached the application");
  assert.ok(seen[0]["bartizan-assertion"], "it is told who calls");
  assert.equal(seen[0].cookie, undefined, "and never sees what opens the session");
  await own.close();
});

test("what was trusted can be forgotten", async () => {
  await trust("--remove");
  const later = await browser();
  const page = await later.newPage();
  await assert.rejects(page.goto(`${origin()}/app/index.html`), /ERR_CERT_AUTHORITY_INVALID/);
  await later.close();
});
