// A receiver of webhooks that trusts whatever comes: it counts deliveries by path, and gives back what it was sent.
import http from "node:http";

const deliveries = new Map();
const server = http.createServer((request, response) => {
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    deliveries.set(request.url, (deliveries.get(request.url) ?? 0) + 1);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ body: Buffer.concat(pieces).toString(), deliveries: deliveries.get(request.url) }));
  });
});
const port = Number(process.env.PORT ?? 3000);
server.listen(port, "127.0.0.1", () => console.log(`listening on ${port}`));
