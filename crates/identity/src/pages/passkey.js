// Passkeys are the one thing here that needs a script. Everything that it is told stands in the form's data; nothing is fetched.
"use strict";

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (it) => it.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const get = async ({ challenge, relyingParty }) => {
  const publicKey = { challenge: bytes(challenge), rpId: relyingParty, userVerification: "required" };
  const { rawId, response } = await navigator.credentials.get({ publicKey });
  return {
    id: text(rawId),
    client_data: text(response.clientDataJSON),
    authenticator_data: text(response.authenticatorData),
    signature: text(response.signature),
  };
};

const create = async ({ challenge, relyingParty, place, user, username, kinds, known, attestation }) => {
  const publicKey = {
    challenge: bytes(challenge),
    rp: { id: relyingParty, name: place },
    user: { id: bytes(user), name: username, displayName: username },
    pubKeyCredParams: kinds.split(" ").map((alg) => ({ type: "public-key", alg: Number(alg) })),
    excludeCredentials: known.split(" ").filter(Boolean).map((id) => ({ type: "public-key", id: bytes(id) })),
    authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
    attestation,
  };
  const { response } = await navigator.credentials.create({ publicKey });
  return {
    client_data: text(response.clientDataJSON),
    authenticator_data: text(response.getAuthenticatorData()),
    public_key: text(response.getPublicKey()),
    kind: String(response.getPublicKeyAlgorithm()),
  };
};

for (const form of window.PublicKeyCredential ? document.querySelectorAll("form[data-passkey]") : []) {
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const fields = await (form.dataset.passkey === "create" ? create : get)(form.dataset);
      for (const [name, value] of Object.entries(fields)) form.elements[name].value = value;
      form.submit();
    } catch {
      form.querySelector("[role=alert]").hidden = false;
    }
  });
}
