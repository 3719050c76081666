// The Express backend with and without the gate, attack by attack: `npm ci && npm test`, with the gate's binary in BARTIZAN_BIN.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import jwt from "jsonwebtoken";
import { bothWays, refusal } from "../harness.mjs";

const folder = fileURLToPath(new URL(".", import.meta.url));
const backend = { command: "node", args: ["server.js"], ready: /listening on/ };
const { secret, through, without, login, stop } = await bothWays(folder, backend);
after(stop);
const alice = await login("alice", "wonderland");
const carol = await login("carol", "christmas");

test("a user signs in through the gate and reads her own profile", async () => {
  const answer = await through("GET", "/users/1", { token: alice });
  assert.equal(answer.status, 200);
  assert.equal(answer.json.name, "alice");
});

test("a user changes her own profile", async () => {
  const answer = await through("PUT", "/users/1", { token: alice, body: { plan: "Pro" } });
  assert.equal(answer.status, 200);
  assert.equal(answer.json.plan, "pro");
});

test("an administrator reads every profile and the list", async () => {
  assert.equal((await through("GET", "/users/2", { token: carol })).status, 200);
  assert.equal((await through("GET", "/admin/users", { token: carol })).json.length, 3);
});

test("the profile of another is open without the gate and refused with it", async () => {
  assert.equal((await without("GET", "/users/2", { token: alice })).status, 200);
  const answer = await through("GET", "/users/2", { token: alice });
  assert.equal(answer.status, 403);
  assert.equal(refusal(answer), "forbidden");
});

test("a refused change never reaches the backend", async () => {
  assert.equal((await through("PUT", "/users/2", { token: alice, body: { plan: "staff" } })).status, 403);
  assert.equal((await without("GET", "/users/2", { token: alice })).json.plan, "free");
});

test("the invoice of another is open without the gate and refused with it", async () => {
  assert.equal((await without("GET", "/invoices/101", { token: alice })).status, 200);
  const answer = await through("GET", "/invoices/101", { token: alice });
  assert.equal(answer.status, 403);
  assert.doesNotMatch(answer.text, /4900/);
  assert.equal((await through("GET", "/invoices/100", { token: alice })).json.cents, 1900);
});

test("the gate asks whose invoice it is before it lets one be paid", async () => {
  assert.equal((await through("POST", "/invoices/101/pay", { token: alice })).status, 403);
  assert.equal((await without("GET", "/invoices/101", { token: alice })).json.paid, false);
  assert.equal((await through("POST", "/invoices/100/pay", { token: alice })).json.paid, true);
});

test("what is for administrators is open to customers without the gate and refused with it", async () => {
  assert.equal((await without("GET", "/admin/users", { token: alice })).status, 200);
  assert.equal((await through("GET", "/admin/users", { token: alice })).status, 403);
  assert.equal((await through("DELETE", "/admin/users/2", { token: alice })).status, 403);
  assert.equal((await without("GET", "/users/2", { token: alice })).status, 200);
});

test("nobody passes without a token", async () => {
  const answer = await through("GET", "/users/1");
  assert.equal(answer.status, 401);
  assert.match(answer.headers["www-authenticate"], /^Bearer/);
});

const forgeries = {
  "signed with another secret": () => jwt.sign({ id: 1, role: "admin" }, randomBytes(48).toString("base64"), { expiresIn: "1h" }),
  "signed by nobody": () => jwt.sign({ id: 1, role: "admin" }, null, { algorithm: "none", expiresIn: "1h" }),
  "that has expired": () => jwt.sign({ id: 1, role: "customer" }, secret, { expiresIn: "-1h" }),
  "that never ends": () => jwt.sign({ id: 1, role: "customer" }, secret),
  "that names nobody": () => jwt.sign({ role: "admin" }, secret, { expiresIn: "1h" }),
  "with an algorithm that was not agreed": () => jwt.sign({ id: 1, role: "customer" }, secret, { algorithm: "HS512", expiresIn: "1h" }),
};
for (const [which, forge] of Object.entries(forgeries)) {
  test(`a token ${which} is refused`, async () => {
    const answer = await through("GET", "/users/1", { token: forge() });
    assert.equal(answer.status, 401);
    assert.equal(refusal(answer), "credential-refused");
  });
}

test("what the file does not declare is not there", async () => {
  assert.match((await without("GET", "/internal/config")).text, /JWT_SECRET/);
  const answer = await through("GET", "/internal/config");
  assert.equal(answer.status, 404);
  assert.equal(refusal(answer), "not-found");
});

test("a method that the file does not declare is refused and the others are named", async () => {
  const answer = await through("DELETE", "/users/1", { token: alice });
  assert.equal(answer.status, 405);
  assert.match(answer.headers.allow, /GET/);
});

for (const path of ["/health/../internal/config", "/users/1/..%2f..%2finternal/config", "/health;/../internal/config", "//internal/config", "/%2e%2e/internal/config"]) {
  test(`the detour ${path} leads nowhere`, async () => {
    const answer = await through("GET", path, { token: alice });
    assert.ok([400, 404].includes(answer.status), `${answer.status}`);
    assert.doesNotMatch(answer.text, /JWT_SECRET/);
  });
}

test("an error of the backend tells an attacker nothing", async () => {
  const broken = { token: alice, body: { plan: 7 } };
  assert.match((await without("PUT", "/users/1", broken)).text, /at .*server\.js:\d+/);
  const answer = await through("PUT", "/users/1", broken);
  assert.equal(answer.status, 500);
  assert.doesNotMatch(answer.text, /server\.js|TypeError|node_modules/);
  assert.match(answer.headers["content-type"], /^application\/problem\+json/);
  assert.ok(answer.json.request_id);
});

test("card numbers leave with their last four digits only", async () => {
  const answer = await through("GET", "/users/1", { token: alice });
  assert.doesNotMatch(answer.text, /4111 1111/);
  assert.match(answer.json.card, /1111$/);
});

test("answers carry the security headers and no banner", async () => {
  assert.equal((await without("GET", "/health")).headers["x-powered-by"], "Express");
  const { headers } = await through("GET", "/health");
  assert.equal(headers["x-powered-by"], undefined);
  assert.equal(headers["x-content-type-options"], "nosniff");
  assert.ok(headers["content-security-policy"]);
  assert.match(headers["strict-transport-security"], /max-age=\d{7,}/);
});

test("the backend's cookie is given what it lacks", async () => {
  const { headers } = await through("POST", "/login", { body: { name: "bob", password: "builder" } });
  const [cookie] = headers["set-cookie"];
  for (const attribute of [/; *Secure/i, /; *HttpOnly/i, /; *SameSite=Lax/i]) assert.match(cookie, attribute);
});

test("two credentials in one request are refused", async () => {
  const answer = await through("GET", "/users/1", { headers: { authorization: [`Bearer ${alice}`, `Bearer ${carol}`] } });
  assert.equal(answer.status, 400);
});

// Last: it uses up the login's limit.
test("passwords can be guessed for ever without the gate, and ten times a minute with it", async () => {
  const guess = { body: { name: "alice", password: "guess" } };
  for (let round = 0; round < 30; round += 1) assert.equal((await without("POST", "/login", guess)).status, 401);
  const answers = [];
  for (let round = 0; round < 30; round += 1) answers.push(await through("POST", "/login", guess));
  const refused = answers.filter((answer) => answer.status === 429);
  assert.ok(refused.length >= 20, `${refused.length} of 30 refused`);
  assert.ok(Number(refused[0].headers["retry-after"]) > 0);
});
