// A backend that trusts the gate: it says who calls, as the gate's assertion tells it, and which credentials reached it.
import http from "node:http";

const port = Number(process.env.PORT ?? 3000);

http
  .createServer((request, response) => {
    const assertion = request.headers["bartizan-assertion"];
    const claims = assertion ? JSON.parse(Buffer.from(assertion.split(".")[1], "base64url")) : {};
    const { sub, credential, roles, client_id } = claims;
    const cookie = request.headers.cookie ?? "";
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ method: request.method, sub, credential, roles, client_id, cookie }));
  })
  .listen(port, "127.0.0.1", () => console.log(`listening on 127.0.0.1:${port}`));
