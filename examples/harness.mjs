// For the examples' tests: starts a backend and the gate before it on free loopback ports, and speaks to both.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const binary = process.env.BARTIZAN_BIN ?? fileURLToPath(new URL("../target/debug/bartizan", import.meta.url));

/// Starts an example's backend and the gate before it, both with one new JWT_SECRET.
export async function bothWays(folder, { command, args, ready, gateEnv = {}, change }) {
  const secret = randomBytes(48).toString("base64");
  const port = await freePort();
  const env = { JWT_SECRET: secret, PORT: String(port), PYTHONUNBUFFERED: "1" };
  const backend = await start(command, args, { cwd: folder, env, ready });
  const gate = await startGate(folder, port, { JWT_SECRET: secret, ...gateEnv }, change).catch(async (error) => {
    await backend.stop();
    throw error;
  });
  const through = (method, path, options) => call(gate.origin, method, path, options);
  return {
    secret,
    gate,
    addresses: { gate: new URL(gate.origin).host, backend: `127.0.0.1:${port}` },
    through,
    without: (method, path, options) => call(`http://127.0.0.1:${port}`, method, path, options),
    login: async (name, password) => (await through("POST", "/login", { body: { name, password } })).json.token,
    async stop() {
      await gate.stop();
      await backend.stop();
    },
  };
}

/// A port that is free now.
async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/// Starts a process and waits for the line of its output that `ready` matches.
export async function start(command, args, { env = {}, cwd, ready } = {}) {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const said = [];
  const up = new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        said.push(line);
        if (ready?.test(line)) resolve();
      });
    }
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${command} ended with ${code}:\n${said.join("\n")}`)));
    if (!ready) child.once("spawn", resolve);
  });
  await up;
  return {
    said,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    async stop(signal = "SIGTERM") {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, "exit");
        child.kill(signal);
        await ended;
      }
      return child.exitCode;
    },
  };
}

/// Starts the gate on the example's own `bartizan.toml`, in which only the ports, the state, and what `change` makes of it are other ones.
export async function startGate(folder, upstreamPort, env, change = (text) => text) {
  const state = await mkdtemp(join(tmpdir(), "bartizan-example-"));
  const [port, consolePort] = [await freePort(), await freePort()];
  const written = await readFile(join(folder, "bartizan.toml"), "utf8");
  const changed = change(written)
    .replaceAll(/(127\.0\.0\.1|localhost):8443/g, `$1:${port}`)
    .replaceAll("127.0.0.1:3000", `127.0.0.1:${upstreamPort}`)
    .replaceAll("127.0.0.1:9443", `127.0.0.1:${consolePort}`)
    // What the file names stands beside it, and the file moves.
    .replaceAll(/^(openapi|descriptors|documents|schema) = "([^"/]+\.[a-z]+)"/gm, (_, key, file) => `${key} = "${join(folder, file)}"`);
  const file = join(state, "bartizan.toml");
  await writeFile(file, changed);
  const begin = async () => {
    const gate = await start(binary, ["serve", file, "--user", userInfo().username], { env, cwd: state });
    await untilReady(gate, consolePort).catch(async (error) => {
      await gate.stop();
      throw error;
    });
    return gate;
  };
  const forget = () => rm(state, { recursive: true, force: true });
  let gate = await begin().catch(async (error) => {
    await forget();
    throw error;
  });
  return {
    origin: `https://127.0.0.1:${port}`,
    state,
    get said() {
      return gate.said;
    },
    /// Stops it by a signal, and starts it again on the same state.
    async restart(signal) {
      await gate.stop(signal);
      gate = await begin();
    },
    /// Runs a command of the gate's on the same configuration; gives back what it prints.
    async run(args, input = "") {
      const child = spawn(binary, [...args, "--config", file], { cwd: state, env: { ...process.env, ...env }, stdio: "pipe" });
      const said = [];
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece) => said.push(piece));
      child.stdin.end(input);
      const [code] = await once(child, "close");
      const text = Buffer.concat(said).toString();
      if (code !== 0) throw new Error(`bartizan ${args.join(" ")} ended with ${code}:\n${text}`);
      return text;
    },
    async stop() {
      await gate.stop();
      await forget();
    },
  };
}

async function untilReady(gate, port) {
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(50)) {
    if (gate.hasEnded()) break;
    const answer = await call(`http://127.0.0.1:${port}`, "GET", "/readyz").catch(() => undefined);
    if (answer?.status === 200) return;
  }
  throw new Error(`the gate is not ready:\n${gate.said.join("\n")}`);
}

/// One request; the path goes out exactly as given.
function call(origin, method, path, { token, body, form, headers = {} } = {}) {
  const url = new URL(origin);
  const sent = { ...headers };
  if (token) sent.authorization = `Bearer ${token}`;
  if (body !== undefined) sent["content-type"] = "application/json";
  if (form !== undefined) sent["content-type"] = "application/x-www-form-urlencoded";
  const text = form !== undefined ? String(new URLSearchParams(form)) : body === undefined ? undefined : JSON.stringify(body);
  if (text !== undefined) sent["content-length"] = Buffer.byteLength(text);
  // The gate's certificate is its own: what is tested here is what it lets through.
  const options = { host: url.hostname, port: url.port, method, path, headers: sent, agent: false, rejectUnauthorized: false };
  return new Promise((resolve, reject) => {
    const request = (url.protocol === "https:" ? https : http).request(options, (response) => {
      const pieces = [];
      response.on("data", (piece) => pieces.push(piece));
      response.on("error", reject);
      response.on("end", () => {
        const answer = Buffer.concat(pieces).toString();
        resolve({ status: response.statusCode, headers: response.headers, text: answer, json: parsed(answer) });
      });
    });
    request.on("error", reject);
    request.setTimeout(10_000, () => request.destroy(new Error("no answer in time")));
    request.end(text);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/// The name in a refusal of the gate; undefined if the answer is none.
export function refusal(answer) {
  return answer.json?.type?.match(/^urn:bartizan:refusal:(.+)$/)?.[1];
}
