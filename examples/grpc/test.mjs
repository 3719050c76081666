// A client that others wrote, with and without the gate: `npm ci && npm test`, with the gate's binary in BARTIZAN_BIN.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";
import { bothWays } from "../harness.mjs";

const folder = fileURLToPath(new URL(".", import.meta.url));
const backend = { command: "node", args: ["server.js"], ready: /listening on/ };
const { secret, addresses, stop } = await bothWays(folder, backend);
const { shop } = grpc.loadPackageDefinition(protoLoader.loadSync(`${folder}/shop.proto`));
// The gate's certificate is its own: what is tested here is what it lets through.
const tls = grpc.credentials.createSsl(null, null, null, { rejectUnauthorized: false });
// A name, since an address is none that a handshake may say (RFC 6066).
const named = { "grpc.ssl_target_name_override": "localhost" };
const through = new shop.Shop(addresses.gate, tls, named);
const without = new shop.Shop(addresses.backend, grpc.credentials.createInsecure());
after(async () => {
  through.close();
  without.close();
  await stop();
});

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

function token(claims, key = secret) {
  const exp = Math.floor(Date.now() / 1000) + 300;
  const signed = `${encoded({ alg: "HS256", typ: "JWT" })}.${encoded({ exp, ...claims })}`;
  return `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
}

function carrying(bearer) {
  const metadata = new grpc.Metadata();
  if (bearer) metadata.set("authorization", `Bearer ${bearer}`);
  return metadata;
}

const customer = () => carrying(token({ sub: "ada", scope: "shop" }));

/// The answer of one call, or its status.
function call(client, method, request, metadata, options = {}) {
  const deadline = Date.now() + 10_000;
  return new Promise((resolve) => {
    client[method](request, metadata, { deadline, ...options }, (error, answer) => resolve(error ?? answer));
  });
}

/// Everything that is said in a conversation, and the status that ends it.
function haggle(client, metadata, items) {
  const quotes = [];
  const conversation = client.haggle(metadata, { deadline: Date.now() + 10_000 });
  return new Promise((resolve) => {
    conversation.on("data", (quote) => {
      quotes.push(quote);
      // Each item waits for the answer to the one before: nothing on the way may hold a message back.
      if (quotes.length < items.length) conversation.write(items[quotes.length]);
      else conversation.end();
    });
    conversation.on("error", () => {});
    conversation.on("status", (status) => resolve({ quotes, status }));
    conversation.write(items[0]);
  });
}

test("a call is answered, and the service hears from the gate who calls", async () => {
  const answer = await call(through, "price", { name: "tea", count: 3 }, customer());
  assert.deepEqual(answer, { name: "tea", cents: 750, caller: "ada" });
});

test("a conversation goes to and fro, message by message, to its end", async () => {
  const items = Array.from({ length: 50 }, (_, index) => ({ name: `item ${index}`, count: index + 1 }));
  const { quotes, status } = await haggle(through, customer(), items);
  assert.equal(status.code, grpc.status.OK, status.details);
  assert.deepEqual(
    quotes.map(({ cents }) => cents),
    items.map(({ count }) => 250 * count),
  );
});

test("whom the gate does not know is UNAUTHENTICATED, though the service would answer", async () => {
  assert.equal((await call(without, "price", { name: "tea" }, carrying())).cents, 250);
  const strangers = [undefined, token({ sub: "eve", scope: "shop" }, "another secret, which is as long as 32 bytes")];
  for (const bearer of strangers) {
    const refused = await call(through, "price", { name: "tea" }, carrying(bearer));
    assert.equal(refused.code, grpc.status.UNAUTHENTICATED, refused.message);
    assert.match(refused.details, /request [0-9a-f-]{36}/);
    const { quotes, status } = await haggle(through, carrying(bearer), [{ name: "tea" }]);
    assert.deepEqual([quotes.length, status.code], [0, grpc.status.UNAUTHENTICATED]);
  }
});

test("who may not is PERMISSION_DENIED, and what is not declared UNIMPLEMENTED", async () => {
  assert.equal((await call(without, "restock", { name: "tea" }, carrying())).cents, 250);
  const refused = await call(through, "restock", { name: "tea" }, customer());
  assert.equal(refused.code, grpc.status.PERMISSION_DENIED, refused.message);
  const scopeless = await haggle(through, carrying(token({ sub: "bob" })), [{ name: "tea" }]);
  assert.equal(scopeless.status.code, grpc.status.PERMISSION_DENIED);
  const staff = await call(through, "restock", { name: "tea" }, carrying(token({ sub: "sam", roles: ["staff"] })));
  assert.equal(staff.caller, "sam", staff.message);
  const elsewhere = new grpc.Client(addresses.gate, tls, named);
  const undeclared = await new Promise((resolve) => {
    const same = (bytes) => bytes;
    elsewhere.makeUnaryRequest("/shop.Admin/Drop", same, same, Buffer.alloc(0), customer(), (error) => resolve(error));
  });
  elsewhere.close();
  assert.equal(undeclared.code, grpc.status.UNIMPLEMENTED, undeclared.message);
});

test("a message larger than the route takes is RESOURCE_EXHAUSTED, alone and in a conversation", async () => {
  const large = { name: "x".repeat(100_000) };
  assert.equal((await call(without, "price", large, carrying())).cents, 250);
  const refused = await call(through, "price", large, customer());
  assert.equal(refused.code, grpc.status.RESOURCE_EXHAUSTED, refused.message);
  const { quotes, status } = await haggle(through, customer(), [{ name: "tea" }, large]);
  assert.deepEqual([quotes.length, status.code], [1, grpc.status.RESOURCE_EXHAUSTED], status.details);
});

test("a token that ends in the middle of a conversation ends it", async () => {
  const exp = Math.floor(Date.now() / 1000) + 2;
  const conversation = through.haggle(carrying(token({ sub: "ada", scope: "shop", exp })), { deadline: Date.now() + 20_000 });
  const ended = new Promise((resolve) => conversation.on("status", resolve));
  conversation.on("error", () => {});
  const first = new Promise((resolve) => conversation.once("data", resolve));
  conversation.write({ name: "tea", count: 1 });
  assert.equal((await first).cents, 250);
  assert.equal((await ended).code, grpc.status.UNAUTHENTICATED);
});

/// A call with a message as it is on the wire.
function raw(address, credentials, bytes, metadata, options = {}) {
  const client = new grpc.Client(address, credentials, options);
  const same = (it) => it;
  return new Promise((resolve) => {
    client.makeUnaryRequest("/shop.Shop/Price", same, same, bytes, metadata, (error, answer) => {
      client.close();
      resolve(error ?? answer);
    });
  });
}

// Item { name: "tea", count: 3 }, and the same with a field 9 that no document declares.
const tea = Buffer.from([0x0a, 3, 0x74, 0x65, 0x61, 0x10, 3]);
const hidden = Buffer.concat([tea, Buffer.from([0x48, 1])]);

test("a field that no message declares does not travel through, compressed or not", async () => {
  assert.ok(Buffer.isBuffer(await raw(addresses.backend, grpc.credentials.createInsecure(), hidden, carrying())));
  assert.ok(Buffer.isBuffer(await raw(addresses.gate, tls, tea, customer(), named)));
  const gzip = { ...named, "grpc.default_compression_algorithm": 2 };
  assert.ok(Buffer.isBuffer(await raw(addresses.gate, tls, tea, customer(), gzip)));
  for (const options of [named, gzip]) {
    const refused = await raw(addresses.gate, tls, hidden, customer(), options);
    assert.equal(refused.code, grpc.status.INVALID_ARGUMENT, refused.message);
  }
  const garbled = await raw(addresses.gate, tls, Buffer.from([0x0a, 9, 0x74]), customer(), named);
  assert.equal(garbled.code, grpc.status.INVALID_ARGUMENT, garbled.message);
});
