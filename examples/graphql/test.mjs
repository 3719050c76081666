// The attacks that every GraphQL service knows, with and without the gate: `npm ci && npm test`, with the gate's binary in BARTIZAN_BIN.
import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { getIntrospectionQuery } from "graphql";
import { bothWays } from "../harness.mjs";

const folder = fileURLToPath(new URL(".", import.meta.url));
const { secret, through, without, stop } = await bothWays(folder, { command: "node", args: ["server.js"], ready: /listening on/ });
after(stop);

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

function token(claims) {
  const exp = Math.floor(Date.now() / 1000) + 300;
  const signed = `${encoded({ alg: "HS256", typ: "JWT" })}.${encoded({ exp, sub: "ada", ...claims })}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

const customer = token({});
const ask = (way, body, options = {}) => way("POST", "/graphql", { token: customer, body, ...options });
const query = (text, variables) => ({ query: text, variables });

// The schema is asked for in the background: until it is known, nothing is served.
for (let tries = 0; (await ask(through, query("{ __typename }"))).status === 503; tries += 1) {
  assert.ok(tries < 100, "the gate never learned the schema");
  await sleep(100);
}

/// The codes of a refusal; undefined if the answer is none.
const codes = (answer) => answer.json?.errors?.map(({ extensions }) => extensions?.code ?? extensions?.type);

const introspection = getIntrospectionQuery();
const nested = (levels) => `{ me ${"{ friends ".repeat(levels)} { id } ${"}".repeat(levels)} }`;
const attacks = [
  ["alias overload", query(`{ ${Array.from({ length: 200 }, (_, at) => `a${at}: me { id }`).join(" ")} }`), "graphql-root-fields"],
  ["aliases within a field", query(`{ me { ${Array.from({ length: 200 }, (_, at) => `a${at}: id`).join(" ")} } }`), "graphql-aliases"],
  ["deep nesting", query(nested(12)), "graphql-depth"],
  ["batching", Array.from({ length: 50 }, () => query("{ me { id } }")), "graphql-batch"],
  ["repeated fields", query(`{ ${"__typename ".repeat(500)} }`), "graphql-repetition"],
  ["introspection", query(introspection), "graphql-introspection"],
  ["introspection of one type", query('{ __type(name: "User") { fields { name } } }'), "graphql-introspection"],
  ["a page without an end", query("{ products(first: 1000000) { reviews { author { id } } } }"), "graphql-cost"],
  ["lists that multiply", query("{ products { reviews { author { friends { reviews { id } } } } } }"), "graphql-cost"],
];
for (const [name, body, code] of attacks) {
  test(`${name} is refused, though the service would answer`, async () => {
    const answered = await ask(without, body);
    assert.equal(answered.status, 200, answered.text.slice(0, 300));
    const refused = await ask(through, body);
    assert.equal(refused.status, 400, refused.text.slice(0, 300));
    assert.ok(codes(refused).includes(code), refused.text);
    assert.match(refused.json.errors[0].extensions.request_id, /^[0-9a-f-]{36}$/);
  });
}

const readings = [
  ["circular fragments", query("{ me { ...A } } fragment A on User { friends { ...B } } fragment B on User { friends { ...A } }"), "graphql-fragment-cycle"],
  ["directive overload", query(`{ me { id ${"@include(if: true) ".repeat(100)} } }`), "graphql-duplicate"],
  ["a directive that nobody declared", query("{ me { id @aa @aa @aa } }"), "graphql-unknown-directive"],
  ["a member that no input has", query("mutation($r: ReviewInput!) { review(product: 1, review: $r) { id } }", { r: { stars: 5, approved: true } }), "graphql-value"],
  ["a text where a number is", query('mutation { review(product: 1, review: { stars: "5" }) { id } }'), "graphql-value"],
  ["a number that is none", query("mutation($c: Int!) { setPrice(product: 1, cents: $c) { id } }", { c: 2 ** 40 }), "graphql-value"],
  ["a subscription", query("subscription { priceChanged { id } }"), "graphql-subscription"],
  ["a document with definitions", query("type A { b: Int } { me { id } }"), "graphql-syntax"],
];
for (const [name, body, code] of readings) {
  test(`${name} never reaches the service`, async () => {
    const refused = await ask(through, body);
    assert.equal(refused.status, 400, refused.text.slice(0, 300));
    assert.ok(codes(refused).includes(code), refused.text);
  });
}

test("honest operations pass as they are", async () => {
  const honest = query("query Shop($n: Int) { me { name friends { name } } products(first: $n) { name ...P } } fragment P on Product { cents reviews(first: 2) { stars } }", { n: 1 });
  const [plain, gated] = [await ask(without, honest), await ask(through, honest)];
  assert.deepEqual([gated.status, gated.json], [200, plain.json]);
  const mutation = query("mutation($r: ReviewInput!) { review(product: 1, review: $r) { stars author { name } } }", { r: { stars: 3, text: "ok" } });
  assert.deepEqual((await ask(through, mutation)).json, { data: { review: { stars: 3, author: { name: "Ada" } } } });
  const read = await through("GET", `/graphql?query=${encodeURIComponent("{ me { name } }")}`, { token: customer });
  assert.deepEqual(read.json, { data: { me: { name: "Ada" } } });
});

test("a link cannot change anything, and a form is no operation", async () => {
  const mutation = encodeURIComponent("mutation { setPrice(product: 1, cents: 1) { id } }");
  const refused = await through("GET", `/graphql?query=${mutation}`, { token: token({ roles: ["staff"] }) });
  assert.deepEqual([refused.status, refused.headers.allow], [405, "POST"]);
  const form = { query: "mutation { setPrice(product: 1, cents: 1) { id } }" };
  assert.equal((await without("POST", "/graphql", { form })).status, 200);
  assert.equal((await through("POST", "/graphql", { form, token: customer })).status, 415);
});

test("a field is for whom its rule says, by whatever way it is asked for", async () => {
  const email = query("{ me { friends { ...E } } } fragment E on User { x: email }");
  assert.equal((await ask(without, email)).json.data.me.friends[0].x, "bob@example.com");
  assert.equal((await ask(through, email)).status, 403);
  const support = await ask(through, email, { token: token({ roles: ["support"] }) });
  assert.equal(support.json.data.me.friends[0].x, "bob@example.com");
  const price = query("mutation { setPrice(product: 2, cents: 300) { cents } }");
  assert.equal((await ask(through, price)).status, 403);
  assert.deepEqual((await ask(through, price, { token: token({ roles: ["staff"] }) })).json, { data: { setPrice: { cents: 300 } } });
  const developer = await ask(through, query(introspection), { token: token({ roles: ["developer"] }) });
  assert.ok(developer.json.data.__schema.types.length > 10);
  assert.equal((await through("POST", "/graphql", { body: query("{ me { id } }") })).status, 401);
});

test("what does not exist is not suggested, and errors do not tell how the service is made", async () => {
  const typo = query("{ me { nam } }");
  assert.match((await ask(without, typo)).text, /Did you mean \\"name\\"/);
  const refused = await ask(through, typo);
  assert.deepEqual(codes(refused), ["graphql-unknown-field"]);
  assert.doesNotMatch(refused.text, /User|name/);
  assert.deepEqual(refused.json.errors[0].locations, [{ line: 1, column: 8 }]);
  const broken = query("{ product(id: \"broken\") { id } }");
  assert.match((await ask(without, broken)).text, /stack|db-7/);
  assert.doesNotMatch((await ask(through, broken)).text, /server\.js/);
});

test("a client that sends hashes first is asked for the document, and its hash has to be true", async () => {
  const text = "{ me { id } }";
  const sha256Hash = createHash("sha256").update(text).digest("hex");
  const extensions = { persistedQuery: { version: 1, sha256Hash } };
  assert.deepEqual(codes(await ask(through, { extensions })), ["PERSISTED_QUERY_NOT_FOUND"]);
  assert.deepEqual((await ask(through, { query: text, extensions })).json, { data: { me: { id: "1" } } });
  const false_ = await ask(through, { query: "{ me { name } }", extensions });
  assert.deepEqual(codes(false_), ["graphql-hash"]);
});
