// A certified client signs people in at the gate, and browsers come and go: `npm ci && npm test`, with the gate's binary in BARTIZAN_BIN.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import * as client from "openid-client";
import { bothWays, refusal } from "../harness.mjs";

// The gate's certificate is its own, and the client's library has no key for that: what is tested here is not TLS.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
process.removeAllListeners("warning");

const folder = fileURLToPath(new URL(".", import.meta.url));
const SHOP_SECRET = randomBytes(32).toString("base64");
const PASSWORD = "plum orbit lantern gravel";
const CALLBACK = "https://shop.example/callback";
const backend = { command: "node", args: ["server.js"], ready: /listening on/, gateEnv: { SHOP_SECRET } };
const { gate, through, stop } = await bothWays(folder, backend);
after(stop);

const origin = gate.origin.replace("127.0.0.1", "localhost");
await gate.run(["user", "create", "ada", "--email", "ada@example.com", "--role", "staff", "--password-stdin"], `${PASSWORD}\n`);
const shop = await client.discovery(new URL(`${origin}/auth`), "shop", SHOP_SECRET);

/// A browser: cookies, pages, forms and redirects, as far as the gate's own origin.
class Browser {
  cookies = new Map();

  async go(url, { method = "GET", form, headers = {} } = {}) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const sent = { accept: "text/html", "sec-fetch-mode": "navigate", "sec-fetch-site": "same-origin", ...headers, cookie };
    if (method === "POST") sent.origin ??= origin;
    const target = new URL(url, origin);
    // Not by `fetch`, which says of itself that it is a script.
    const answer = await through(method, target.pathname + target.search, { headers: sent, form });
    for (const set of answer.headers["set-cookie"] ?? []) {
      const [, name, value] = set.match(/^([^=]+)=([^;]*)/);
      if (value) this.cookies.set(name, value);
      else this.cookies.delete(name);
    }
    return { ...answer, url: target.href };
  }

  /// Follows what a browser follows by itself; stops at pages, and at the first step to another origin.
  async follow(url, options) {
    let answer = await this.go(url, options);
    for (let steps = 0; steps < 10; steps++) {
      const refresh = answer.headers.refresh ?? answer.text.match(/http-equiv="refresh" content="([^"]*)"/)?.[1].replaceAll("&amp;", "&");
      const next = answer.headers.location ?? refresh?.match(/url=(.*)$/)?.[1];
      if (!next) return answer;
      const target = new URL(next, answer.url);
      if (target.origin !== origin) return { ...answer, left: target };
      answer = await this.go(target);
    }
    throw new Error("redirects without end");
  }

  async signIn(page) {
    assert.match(page.text, /name="password"/, page.text);
    const form = { ...hidden(page.text), username: "ada", password: PASSWORD };
    return this.follow("/auth/login", { method: "POST", form });
  }
}

function hidden(page) {
  const fields = page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g);
  return Object.fromEntries([...fields].map(([, name, value]) => [name, value.replaceAll("&amp;", "&")]));
}

/// The code flow, with the sign-in and the question on the way; the browser ends at the client's own address.
async function flow(browser, parameters = {}) {
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const url = client.buildAuthorizationUrl(shop, {
    redirect_uri: CALLBACK,
    scope: "openid email orders:read",
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
    ...parameters,
  });
  let page = await browser.follow(url);
  if (!page.left && /name="password"/.test(page.text)) page = await browser.signIn(page);
  if (!page.left) {
    assert.match(page.text, /The Shop/);
    page = await browser.follow("/auth/consent", { method: "POST", form: { ...hidden(page.text), decision: "allow" } });
  }
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
  return client.authorizationCodeGrant(shop, page.left, checks);
}

test("a certified client signs somebody in, learns who it is, renews and gives back what it got", async () => {
  const browser = new Browser();
  const tokens = await flow(browser);
  const claims = tokens.claims();
  assert.equal(claims.iss, `${origin}/auth`);
  const userinfo = await client.fetchUserInfo(shop, tokens.access_token, claims.sub);
  assert.equal(userinfo.email, "ada@example.com");

  const api = await through("GET", "/api/orders", { token: tokens.access_token });
  assert.equal(api.status, 200, api.text);
  assert.deepEqual([api.json.sub, api.json.client_id, api.json.credential], [claims.sub, "shop", "bearer"]);

  const renewed = await client.refreshTokenGrant(shop, tokens.refresh_token);
  assert.notEqual(renewed.refresh_token, tokens.refresh_token);
  assert.equal((await client.tokenIntrospection(shop, renewed.access_token)).active, true);
  await client.tokenRevocation(shop, renewed.refresh_token);
  assert.equal((await client.tokenIntrospection(shop, renewed.access_token)).active, false);
  const refused = await through("GET", "/api/orders", { token: renewed.access_token });
  assert.equal(refused.status, 401, "the gate refuses a revoked token at once");
  await assert.rejects(client.refreshTokenGrant(shop, renewed.refresh_token), { error: "invalid_grant" });

  // Signed in, and asked before: nothing is shown the second time.
  const again = await flow(browser, { prompt: "none" });
  const out = client.buildEndSessionUrl(shop, { id_token_hint: again.id_token, post_logout_redirect_uri: "https://shop.example/" });
  const left = await browser.follow(out);
  assert.equal(left.left.href, "https://shop.example/");
  assert.match((await browser.follow("/orders")).text, /name="password"/, "the session is over");
});

test("a client gets a token for itself, and no more than it may", async () => {
  const { access_token } = await client.clientCredentialsGrant(shop, { scope: "orders:read" });
  assert.equal((await through("GET", "/api/orders", { token: access_token })).json.sub, "shop");
  const narrow = await client.clientCredentialsGrant(shop, { scope: "email" });
  assert.equal((await through("GET", "/api/orders", { token: narrow.access_token })).status, 403);
});

test("a browser is sent to sign in and comes back; a script is told 401; the upstream never sees the session", async () => {
  const browser = new Browser();
  const page = await browser.follow("/orders?page=2");
  assert.match(page.url, /\/auth\/login\?return_to=\/?.*orders/);
  const back = await browser.signIn(page);
  assert.equal(new URL(back.url).pathname + new URL(back.url).search, "/orders?page=2");
  const seen = JSON.parse(back.text);
  assert.deepEqual([seen.credential, seen.roles], ["session", ["staff"]]);
  assert.doesNotMatch(seen.cookie, /bartizan=/);

  const script = await through("GET", "/orders", { headers: { "sec-fetch-mode": "cors", accept: "application/json" } });
  assert.equal(script.status, 401);
  assert.equal(refusal(script), "sign-in-required");

  const change = (headers) => browser.go("/orders", { method: "POST", headers: { "sec-fetch-mode": "cors", ...headers } });
  assert.equal((await change({ "sec-fetch-site": "same-origin" })).status, 200);
  for (const site of ["cross-site", "same-site"]) {
    const forged = await change({ "sec-fetch-site": site, origin: "https://evil.example" });
    assert.equal(forged.status, 403, site);
  }
});

test("a gate that is killed under load keeps what it acknowledged, its issuer and its keys", async () => {
  const keys = async () => (await (await fetch(`${origin}/auth/jwks`)).json()).keys.map((key) => key.kid).sort();
  const [browser, families] = [new Browser(), []];
  while (families.length < 8) families.push(await flow(browser));
  for (let round = 0; round < 3; round++) {
    const before = await keys();
    let killed = false;
    const chains = families.map(async (family, index) => {
      while (!killed) {
        // An answer that never came was not acknowledged: the old token is still the client's, and leads to the successor.
        const next = await client.refreshTokenGrant(shop, family.refresh_token).catch(() => undefined);
        if (next) families[index] = family = next;
      }
    });
    setTimeout(() => (killed = true), 400);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await gate.restart("SIGKILL");
    await Promise.all(chains);
    assert.deepEqual((await keys()).filter((kid) => before.includes(kid)), before);
    for (const [index, family] of families.entries()) {
      families[index] = await client.refreshTokenGrant(shop, family.refresh_token);
    }
  }
  const fresh = await client.discovery(new URL(`${origin}/auth`), "shop", SHOP_SECRET);
  assert.equal(fresh.serverMetadata().issuer, shop.serverMetadata().issuer);
});
