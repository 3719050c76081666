// Messages that the senders' own libraries sign, with and without the gate: `npm ci && npm test`, with the gate's binary in BARTIZAN_BIN.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { sign } from "@octokit/webhooks-methods";
import { Webhook } from "standardwebhooks";
import Stripe from "stripe";
import { Webhook as Svix } from "svix";
import { bothWays, refusal } from "../harness.mjs";

const folder = fileURLToPath(new URL(".", import.meta.url));
const backend = { command: "node", args: ["server.js"], ready: /listening on/ };
const { secret, through, without, stop } = await bothWays(folder, backend);
after(stop);

const event = { type: "invoice.paid", data: { id: "in_1", text: "é \u2028" } };
const body = JSON.stringify(event);
const now = () => new Date();
const seconds = (date) => Math.floor(date.getTime() / 1000);

function standard(id, date, library = Webhook, prefix = "webhook") {
  const signature = new library(secret).sign(id, date, body);
  return { [`${prefix}-id`]: id, [`${prefix}-timestamp`]: String(seconds(date)), [`${prefix}-signature`]: signature };
}

function stripe(timestamp = seconds(now())) {
  return { "stripe-signature": Stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp }) };
}

async function github() {
  return { "x-hub-signature-256": await sign(secret, body), "x-github-delivery": randomUUID() };
}

const senders = [
  ["Standard Webhooks", "/hooks/standard", () => standard(`msg_${randomUUID()}`, now())],
  ["Svix", "/hooks/standard", () => standard(`msg_${randomUUID()}`, now(), Svix, "svix")],
  ["Stripe", "/hooks/stripe", () => stripe()],
  ["GitHub", "/hooks/github", github],
];

for (const [name, path, signed] of senders) {
  test(`a message that ${name}'s own library signed arrives as it was sent, and once`, async () => {
    const headers = await signed();
    const answer = await through("POST", path, { headers, body: event });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.body, body);
    const again = await through("POST", path, { headers, body: event });
    assert.equal(again.status, 409);
    assert.equal(refusal(again), "replayed");
  });

  test(`a message of ${name} with another body, or none of its signatures, is taken without the gate and refused with it`, async () => {
    const headers = await signed();
    const changed = { ...event, type: "invoice.refunded" };
    assert.equal((await without("POST", path, { headers, body: changed })).status, 200);
    const answer = await through("POST", path, { headers, body: changed });
    assert.equal(answer.status, 401);
    assert.equal(refusal(answer), "credential-refused");
    assert.equal((await through("POST", path, { body: event })).status, 401);
  });
}

test("a message of yesterday is refused", async () => {
  const yesterday = new Date(Date.now() - 86_400_000);
  const old = standard(`msg_${randomUUID()}`, yesterday);
  assert.equal((await through("POST", "/hooks/standard", { headers: old, body: event })).status, 401);
  const answer = await through("POST", "/hooks/stripe", { headers: stripe(seconds(yesterday)), body: event });
  assert.equal(answer.status, 401);
});
