import { createPrincipal } from "@hawser/principal";
import { createApi, type ApiRequest, type ApiVerdict } from "@hawser/principal-api";
import { HawserError } from "@hawser/protocol";
import { createJournalStore } from "@hawser/store-journal";
import { createWebSocketAcceptor } from "@hawser/transport-ws";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { createServer } from "node:http";
import { pino } from "pino";

const [port = "3000"] = process.argv.slice(2);
const agents = new Map([["edge-1", "a-secret-of-edge-1"]]);
// The users of this program, as its own login knows them.
const users = new Map([
  ["Bearer a-session-of-ada", { name: "ada", mayWrite: true }],
  ["Bearer a-session-of-bob", { name: "bob", mayWrite: false }],
]);

const logger = pino();
const principal = createPrincipal({
  store: createJournalStore({ directory: "principal-data" }),
  acceptors: [createWebSocketAcceptor({ basePath: "/agents" })],
  listen: { by: "upgrade" },
  authenticate({ authorization }, { agent }) {
    if (authorization === `Bearer ${agents.get(agent)}`) return { ok: true };
    return { ok: false, error: new HawserError("unauthenticated", "the token is not that of this agent") };
  },
  stop: { windowMs: 0 },
});

/** Asked for every request, and for every stream when it begins. */
async function authorize({ method, headers }: ApiRequest): Promise<ApiVerdict> {
  const user = users.get(headers.get("authorization") ?? "");
  if (user === undefined)
    return { ok: false, error: new HawserError("unauthenticated", "log in, and come back") };
  const actor = user.name;
  if (!user.mayWrite && method !== "GET" && method !== "HEAD")
    return { ok: false, actor, error: new HawserError("forbidden", `${actor} may only read`) };
  return { ok: true, actor };
}

const api = createApi({ principal, logger, basePath: "/control/hawser", authorize });
const app = new Hono();
app.get("/", (context) => context.text("a page of this program\n"));
// With `env`, by which the API knows where a request comes from.
app.all("/control/hawser/*", (context) => api.fetch(context.req.raw, context.env));

const answer = getRequestListener(app.fetch);
const server = createServer((request, response) => void answer(request, response));
server.on("upgrade", (request, socket, head) => {
  // An upgrade that is for nobody is closed; WebSockets of your own are taken here.
  if (!principal.handleUpgrade(request, socket, head)) socket.destroy();
});

// The principal first: its agents and streams are connections of the server, which waits for them.
async function stop(): Promise<void> {
  await principal.stop();
  server.close();
}
process.once("SIGINT", () => void stop());

await principal.start();
server.listen(Number(port), "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address !== "string") console.log(`listening on ${address.port}`);
});
