// A shop that answers whoever calls: it checks no credential.
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const { shop } = grpc.loadPackageDefinition(protoLoader.loadSync(fileURLToPath(new URL("shop.proto", import.meta.url))));

// The gate says in a signed token who calls; a service that trusts its network reads it without more ado.
function caller(metadata) {
  const [assertion] = metadata.get("bartizan-assertion");
  if (!assertion) return "";
  return JSON.parse(Buffer.from(assertion.split(".")[1], "base64url")).sub ?? "";
}

const quote = ({ name, count }, metadata) => ({ name, cents: 250 * (count || 1), caller: caller(metadata) });

const server = new grpc.Server();
server.addService(shop.Shop.service, {
  price: (call, done) => done(null, quote(call.request, call.metadata)),
  restock: (call, done) => done(null, quote(call.request, call.metadata)),
  haggle: (call) => {
    call.on("data", (item) => call.write(quote(item, call.metadata)));
    call.on("end", () => call.end());
    // Whoever calls may hang up.
    call.on("error", () => {});
  },
});
const port = Number(process.env.PORT ?? 3000);
server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
  console.log(`listening on ${port}`);
});
