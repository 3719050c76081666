// The Flask backend with and without the gate, attack by attack: `node --test test.mjs`, with the gate's binary in BARTIZAN_BIN
// and in PYTHON a Python that has requirements.txt installed (by default the one of `.venv` here, else `python3`).
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { bothWays, refusal } from "../harness.mjs";

const folder = fileURLToPath(new URL(".", import.meta.url));
const own = join(folder, ".venv/bin/python");
const python = process.env.PYTHON ?? (existsSync(own) ? own : "python3");
const backend = { command: python, args: ["app.py"], ready: /Running on/ };
const { through, without, login, stop } = await bothWays(folder, backend);
after(stop);
const alice = await login("alice", "wonderland");
const carol = await login("carol", "christmas");

test("a patient reads her own record and a doctor reads any", async () => {
  assert.equal((await through("GET", "/records/7", { token: alice })).json.diagnosis, "a broken arm");
  assert.equal((await through("GET", "/records/8", { token: carol })).json.diagnosis, "a secret one");
});

test("a doctor writes a record and sees the patients", async () => {
  const written = await through("PUT", "/records/7", { token: carol, body: { diagnosis: "a healed arm" } });
  assert.equal(written.json.diagnosis, "a healed arm");
  assert.equal((await through("GET", "/patients", { token: carol })).json.length, 3);
});

test("the record of another is open without the gate and refused with it", async () => {
  assert.match((await without("GET", "/records/8", { token: alice })).text, /secret/);
  const answer = await through("GET", "/records/8", { token: alice });
  assert.equal(answer.status, 403);
  assert.doesNotMatch(answer.text, /secret/);
});

test("a patient's change never reaches the backend", async () => {
  assert.equal((await through("PUT", "/records/8", { token: alice, body: { diagnosis: "none" } })).status, 403);
  assert.equal((await without("GET", "/records/8", { token: alice })).json.diagnosis, "a secret one");
});

test("the list of patients is open without the gate and refused with it", async () => {
  assert.equal((await without("GET", "/patients", { token: alice })).status, 200);
  assert.equal((await through("GET", "/patients", { token: alice })).status, 403);
});

test("nobody passes without a token, or with an edited one", async () => {
  assert.equal((await through("GET", "/records/7")).status, 401);
  const [header, , signature] = alice.split(".");
  const claims = Buffer.from(JSON.stringify({ user: { id: 3, groups: ["doctor"] }, exp: 4102444800 })).toString("base64url");
  const answer = await through("GET", "/patients", { token: `${header}.${claims}.${signature}` });
  assert.equal(answer.status, 401);
  assert.equal(refusal(answer), "credential-refused");
});

test("the forgotten console is not there", async () => {
  assert.match((await without("GET", "/console")).text, /secret/);
  assert.equal((await through("GET", "/console")).status, 404);
});

test("a traceback stays inside", async () => {
  const broken = { token: carol, body: { diagnosis: 7 } };
  assert.match((await without("PUT", "/records/7", broken)).text, /Traceback/);
  const answer = await through("PUT", "/records/7", broken);
  assert.equal(answer.status, 500);
  assert.doesNotMatch(answer.text, /Traceback|app\.py/);
});

test("a traceback stays inside even under a client's status", async () => {
  const broken = { headers: { "content-type": "text/plain" } };
  assert.match((await without("POST", "/login", broken)).text, /Traceback/);
  const answer = await through("POST", "/login", broken);
  assert.doesNotMatch(answer.text, /Traceback|app\.py/);
});

test("the banner is gone and the headers are there", async () => {
  assert.match((await without("GET", "/health")).headers.server, /Werkzeug/);
  const { headers } = await through("GET", "/health");
  assert.doesNotMatch(headers.server ?? "", /Werkzeug|Python/);
  assert.equal(headers["x-content-type-options"], "nosniff");
});

// Last: it uses up the login's limit.
test("passwords can be guessed ten times a minute, and no more", async () => {
  const guess = { body: { name: "alice", password: "guess" } };
  const statuses = [];
  for (let round = 0; round < 30; round += 1) statuses.push((await through("POST", "/login", guess)).status);
  assert.ok(statuses.filter((status) => status === 429).length >= 20, statuses.join(" "));
});
