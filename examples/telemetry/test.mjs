// What the gate sends over OTLP, decoded by the protocol's own messages in Python.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { bothWays } from "../harness.mjs";

process.env.OTLP_TOKEN = "Bearer not-in-the-file";
const folder = fileURLToPath(new URL(".", import.meta.url));
const receiver = { command: process.env.PYTHON ?? "python3", args: ["receiver.py"], ready: /listening on/ };
const { through, without, stop } = await bothWays(folder, receiver);
after(stop);

const CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const hex = (base64) => Buffer.from(base64, "base64").toString("hex");
const attributes = (of) => Object.fromEntries(of.attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

const answer = await through("GET", "/orders/7", { headers: { traceparent: CALLER, "user-agent": "curl/8" } });
assert.equal(answer.status, 200);
const [, trace, upstreamSpan, flags] = answer.json.traceparent.split("-");
assert.equal((await through("GET", "/undeclared")).status, 404);

async function all() {
  const { json } = await without("GET", "/received");
  const logs = json["/v1/logs"].flatMap((it) => it.resourceLogs.flatMap((r) => r.scopeLogs.flatMap((s) => s.logRecords)));
  const spans = json["/v1/traces"].flatMap((it) => it.resourceSpans.flatMap((r) => r.scopeSpans.flatMap((s) => s.spans)));
  const metrics = json["/v1/metrics"].at(-1)?.resourceMetrics[0].scopeMetrics[0].metrics ?? [];
  return { json, logs, spans, metrics };
}

async function eventually(holds) {
  for (const end = Date.now() + 20_000; Date.now() < end; await sleep(100)) {
    const state = await all();
    if (holds(state)) return state;
  }
  assert.fail(`never happened: ${holds}`);
}

const requests = ({ metrics }) => metrics.find(({ name }) => name === "bartizan_requests")?.sum.dataPoints ?? [];
const { json, logs, spans, metrics } = await eventually(
  (state) => state.spans.length >= 3 && requests(state).length >= 2 && state.logs.filter((it) => it.traceId).length >= 2,
);

test("the trace is the gate's own, linked to the stranger's, and the upstream is part of it", () => {
  assert.notEqual(trace, CALLER.split("-")[1]);
  assert.equal(flags, "01");
  const server = spans.find((it) => it.name === "GET orders");
  const client = spans.find((it) => it.kind === "SPAN_KIND_CLIENT");
  assert.equal(server.kind, "SPAN_KIND_SERVER");
  assert.deepEqual([hex(server.traceId), hex(client.traceId)], [trace, trace]);
  assert.equal(hex(client.spanId), upstreamSpan);
  assert.equal(client.parentSpanId, server.spanId);
  assert.equal(hex(server.links[0].traceId), CALLER.split("-")[1]);
  const [began, ended] = [client, client].map((it, n) => BigInt(n ? it.endTimeUnixNano : it.startTimeUnixNano));
  assert.ok(BigInt(server.startTimeUnixNano) <= began && began < ended && ended <= BigInt(server.endTimeUnixNano));
  assert.ok(server.events.some(({ name }) => name === "bartizan.stage.forward"));
});

test("spans and records carry HTTP's semantic conventions", () => {
  for (const of of [spans.find((it) => it.name === "GET orders"), logs.find((it) => hex(it.traceId ?? "") === trace)]) {
    const said = attributes(of);
    assert.equal(said["http.request.method"], "GET");
    assert.equal(said["http.response.status_code"], "200");
    assert.equal(said["http.route"], "orders");
    assert.equal(said["url.path"], "/orders/7");
    assert.equal(said["url.scheme"], "https");
    assert.equal(said["client.address"], "127.0.0.1");
    assert.equal(said["network.protocol.version"], "1.1");
    assert.equal(said["user_agent.original"], "curl/8");
    assert.equal(said["bartizan.outcome"], "answered");
  }
});

test("a refusal is a warning with its reason, and no error of the gate", () => {
  const refused = logs.find((it) => attributes(it)["http.response.status_code"] === "404");
  assert.equal(refused.eventName, "bartizan.request");
  assert.equal(refused.severityText, "WARN");
  assert.equal(attributes(refused)["bartizan.reason"], "not-found");
  const span = spans.find((it) => it.spanId === refused.spanId);
  assert.equal(span.status, undefined);
});

test("the node's own events are there", () => {
  assert.ok(logs.some((it) => it.eventName === "bartizan.node-started"));
  assert.ok(logs.some((it) => it.eventName === "bartizan.configuration-loaded"));
});

test("metrics have their kind, their unit and exemplars", () => {
  const sum = metrics.find(({ name }) => name === "bartizan_requests").sum;
  assert.equal(sum.isMonotonic, true);
  assert.equal(sum.aggregationTemporality, "AGGREGATION_TEMPORALITY_CUMULATIVE");
  const duration = metrics.find(({ name }) => name === "bartizan_request_duration_seconds");
  assert.equal(duration.unit, "s");
  const point = duration.histogram.dataPoints.find((it) => attributes(it).route === "orders");
  assert.equal(point.bucketCounts.length, point.explicitBounds.length + 1);
  assert.equal(hex(point.exemplars[0].traceId), trace);
  assert.ok(metrics.some(({ name, gauge }) => name === "process_resident_memory_bytes" && gauge.dataPoints.length === 1));
});

test("the sender says who it is, and shows its secret to the receiver alone", () => {
  const resource = attributes(json["/v1/logs"][0].resourceLogs[0].resource);
  assert.equal(resource["service.name"], "bartizan");
  assert.match(resource["service.instance.id"], /^[0-9a-f-]{36}$/);
  assert.ok(json.authorization.every((it) => it === "Bearer not-in-the-file"));
  assert.ok(!JSON.stringify([json["/v1/logs"], json["/v1/traces"], json["/v1/metrics"]]).includes("not-in-the-file"));
});
