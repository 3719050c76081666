// A shop that answers whatever it is asked: batches, introspection and suggestions are on, nothing is limited, and errors tell everything.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createSchema, createYoga } from "graphql-yoga";

const users = [
  { id: "1", name: "Ada", email: "ada@example.com" },
  { id: "2", name: "Bob", email: "bob@example.com" },
];
const products = [
  { id: "1", name: "tea", cents: 250 },
  { id: "2", name: "cake", cents: 400 },
];
const reviews = [
  { id: "1", stars: 5, text: "hot", author: "1", product: "1" },
  { id: "2", stars: 4, text: "sweet", author: "2", product: "2" },
];
const by = (list, id) => list.find((it) => it.id === id) ?? null;
const some = (list, { first }) => list.slice(0, first ?? list.length);

const resolvers = {
  Query: {
    me: () => users[0],
    user: (_, { id }) => by(users, id),
    products: (_, args) => some(products, args),
    product: (_, { id }) => {
      if (id === "broken") throw new Error("no connection to db-7.internal");
      return by(products, id);
    },
  },
  Mutation: {
    review: (_, { product, review }) => {
      const made = { id: String(reviews.length + 1), author: "1", product, ...review };
      reviews.push(made);
      return made;
    },
    setPrice: (_, { product, cents }) => Object.assign(by(products, product), { cents }),
  },
  Subscription: {
    priceChanged: {
      async *subscribe() {
        yield { priceChanged: products[0] };
      },
    },
  },
  User: {
    reviews: (user, args) => some(reviews.filter((it) => it.author === user.id), args),
    friends: (user) => users.filter((it) => it !== user),
  },
  Product: { reviews: (product, args) => some(reviews.filter((it) => it.product === product.id), args) },
  Review: { author: (review) => by(users, review.author), product: (review) => by(products, review.product) },
};

const typeDefs = readFileSync(new URL("schema.graphql", import.meta.url), "utf8");
const yoga = createYoga({
  schema: createSchema({ typeDefs, resolvers }),
  batching: { limit: 1000 },
  maskedErrors: { isDev: true },
  logging: "error",
});
const port = Number(process.env.PORT ?? 3000);
createServer(yoga).listen(port, "127.0.0.1", () => console.log(`listening on ${port}`));
