// The FastAPI backend with and without the gate, whose policy is the backend's own document: `node --test test.mjs`, with the gate's
// binary in BARTIZAN_BIN and a Python that has requirements.txt in PYTHON.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { bothWays, refusal } from "../harness.mjs";

const folder = fileURLToPath(new URL(".", import.meta.url));
// Thousands of requests from one caller are what a test makes, and no limit is meant for.
const change = (text) => `${text.replace("600/minute", "100000/minute")}\n[limits]\naddress = "100000/minute"\nidentity = "100000/minute"\nfailed_authentication = "100000/minute"\n`;
const backend = { command: process.env.PYTHON ?? "python3", args: ["app.py"], ready: /Uvicorn running on/, change };
const { secret, gate, through, without, stop } = await bothWays(folder, backend);
after(stop);

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const unsigned = `${encoded({ alg: "HS256", typ: "JWT" })}.${encoded({ sub: "1", exp: Math.floor(Date.now() / 1000) + 600 })}`;
const token = `${unsigned}.${createHmac("sha256", secret).update(unsigned).digest("base64url")}`;
const errors = (answer) => answer.json.errors.map((it) => `${it.rule} ${it.in}${it.pointer}`);

test("the document is the one that the backend serves, to the byte", async () => {
  const served = await without("GET", "/openapi.json");
  assert.deepEqual(served.json, JSON.parse(await readFile(`${folder}openapi.json`, "utf8")));
});

test("a change of what the document declares passes", async () => {
  const answer = await through("PATCH", "/accounts/1", { token, body: { email: "alice@example.org" } });
  assert.equal(answer.status, 200);
  assert.equal(answer.json.email, "alice@example.org");
});

test("a member that no schema declares changes the row without the gate and is refused with it", async () => {
  const attack = { token, body: { name: "alice", is_admin: true, credit: 1e6 } };
  assert.equal((await without("PATCH", "/accounts/2", attack)).json.is_admin, true);
  const answer = await through("PATCH", "/accounts/1", attack);
  assert.equal(answer.status, 400);
  assert.equal(refusal(answer), "invalid-request");
  assert.deepEqual(errors(answer), ["undeclared body/is_admin", "undeclared body/credit"]);
  assert.equal((await without("GET", "/accounts/1", { token })).json.is_admin, false);
});

test("what the backend answers too much leaves without the gate and does not with it", async () => {
  for (const path of ["/accounts", "/accounts/2"]) {
    assert.match((await without("GET", path, { token })).text, /password_hash.*iban/);
    const answer = await through("GET", path, { token });
    assert.equal(answer.status, 200);
    assert.doesNotMatch(answer.text, /password_hash|iban|credit|is_admin|\$2b\$|DE02/);
    assert.match(answer.text, /"email":"bob@example.com"/);
  }
});

test("a parameter of the query that no operation declares is refused", async () => {
  const answer = await through("GET", "/accounts?limit=1&fields=password_hash", { token });
  assert.deepEqual(errors(answer), ["undeclared query/fields"]);
  assert.equal((await through("GET", "/accounts?limit=1", { token })).json.accounts.length, 1);
});

test("what the document does not declare is not there, the document itself among it", async () => {
  for (const path of ["/docs", "/openapi.json", "/accounts/1/export"]) {
    assert.equal((await through("GET", path, { token })).status, 404);
  }
  assert.equal((await through("DELETE", "/accounts/1", { token })).status, 405);
});

test("nobody passes without a token", async () => {
  assert.equal((await through("GET", "/accounts")).status, 401);
});

test("schemathesis finds no answer of 5xx, and no invalid request that is accepted", { timeout: 300_000 }, async () => {
  const checks = "not_a_server_error,negative_data_rejection";
  const args = ["run", `${folder}openapi.json`, "--url", gate.origin, "--tls-verify", "false", "--header", `Authorization: Bearer ${token}`];
  const bounds = ["--checks", checks, "--phases", "examples,coverage,fuzzing", "--max-examples", "20", "--seed", "7", "--warnings", "off"];
  const script = "import sys; from schemathesis.cli import schemathesis; sys.exit(schemathesis())";
  const child = spawn(backend.command, ["-c", script, ...args, ...bounds], { cwd: gate.state, stdio: ["ignore", "pipe", "pipe"] });
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece) => said.push(piece));
  const [code] = await once(child, "close");
  const text = Buffer.concat(said).toString();
  assert.equal(code, 0, text);
  assert.match(text, /No issues found/, text);
});
