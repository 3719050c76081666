// A backend as it stands in many companies: Express, its own logins, tokens by jsonwebtoken. It knows who calls, and forgets
// to ask whether that caller may. Nothing in here knows of Bartizan.
import { createHash } from "node:crypto";
import express from "express";
import jwt from "jsonwebtoken";

const { JWT_SECRET, PORT = "3000" } = process.env;
if (!JWT_SECRET) {
  console.error("set JWT_SECRET, for instance to $(openssl rand -base64 48)");
  process.exit(2);
}

const hash = (password) => createHash("sha256").update(password).digest("hex");

const users = new Map(
  [
    { id: 1, name: "alice", role: "customer", plan: "free", card: "4111 1111 1111 1111", password: hash("wonderland") },
    { id: 2, name: "bob", role: "customer", plan: "free", card: "5555 5555 5555 4444", password: hash("builder") },
    { id: 3, name: "carol", role: "admin", plan: "staff", card: "6011 1111 1111 1117", password: hash("christmas") },
  ].map((user) => [user.id, user]),
);

const invoices = new Map(
  [
    { id: 100, user_id: 1, cents: 1900, paid: false },
    { id: 101, user_id: 2, cents: 4900, paid: false },
  ].map((invoice) => [invoice.id, invoice]),
);

const app = express();
app.use(express.json());

app.get("/health", (_request, response) => response.json({ status: "ok" }));

app.post("/login", (request, response) => {
  const { name, password } = request.body;
  const user = [...users.values()].find((candidate) => candidate.name === name);
  if (!user || user.password !== hash(password)) {
    return response.status(401).json({ error: "wrong name or password" });
  }
  const token = jwt.sign({ id: user.id, role: user.role }, JWT_SECRET, { expiresIn: "1h" });
  response.cookie("session", token).json({ token });
});

// Left over from the first week, and never removed.
app.get("/internal/config", (_request, response) => response.json({ JWT_SECRET, node: process.version }));

// From here on the caller is known.
app.use((request, response, next) => {
  const [, token] = (request.get("authorization") ?? "").split(" ");
  try {
    request.user = jwt.verify(token, JWT_SECRET, { algorithms: ["HS256"] });
    next();
  } catch {
    response.status(401).json({ error: "sign in first" });
  }
});

const found = (map) => (request, response, next) => {
  request.record = map.get(Number(request.params.id));
  return request.record ? next() : response.status(404).json({ error: "not found" });
};

// Whose id it is, nobody asks.
app
  .route("/users/:id")
  .all(found(users))
  .get((request, response) => response.json(request.record))
  .put((request, response) => {
    request.record.plan = request.body.plan.toLowerCase();
    response.json(request.record);
  });

app.get("/invoices/:id", found(invoices), (request, response) => response.json(request.record));
app.post("/invoices/:id/pay", found(invoices), (request, response) => {
  request.record.paid = true;
  response.json(request.record);
});

// The menu shows these to administrators only; the server does not ask.
app.get("/admin/users", (_request, response) => response.json([...users.values()]));
app.delete("/admin/users/:id", found(users), (request, response) => {
  users.delete(request.record.id);
  response.status(204).end();
});

const server = app.listen(Number(PORT), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
