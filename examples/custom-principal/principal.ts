import { createPrincipal } from "@hawser/principal";
import { HawserError } from "@hawser/protocol";
import { createJournalStore } from "@hawser/store-journal";
import { createGrpcAcceptor } from "@hawser/transport-grpc";
import { createWebSocketAcceptor } from "@hawser/transport-ws";
import { z } from "zod";
import { Heater } from "./heater.js";

const [port = "7480"] = process.argv.slice(2);
const COMFORTABLE_CELSIUS = 20;
const tokens = new Map([["room-1", "a-secret-of-room-1"]]);

/** Events come from a network: look before you believe. */
const Reading = z.object({ celsius: z.number() });

const principal = createPrincipal({
  store: createJournalStore({ directory: "principal-data" }),
  acceptors: [createWebSocketAcceptor(), createGrpcAcceptor()],
  listen: { port: Number(port) },
  authenticate({ authorization }, { agent }) {
    if (authorization === `Bearer ${tokens.get(agent)}`) return { ok: true };
    return { ok: false, error: new HawserError("unauthenticated", "the token is not that of this agent") };
  },
  // The reading stays on the agent's disk until this has resolved; an equal spec makes no new version, so running twice does no harm.
  async onEvent({ agent, event }) {
    if (event.type !== "com.example.reading.v1")
      throw new HawserError("handler_rejected", `nobody here wants a ${event.type}`);
    const { data: reading, error } = Reading.safeParse(event.data);
    if (reading === undefined) throw new HawserError("handler_rejected", z.prettifyError(error));
    const { celsius } = reading;
    await principal.resources.of(Heater).put(agent, "radiator", { on: celsius < COMFORTABLE_CELSIUS });
    console.log(`${agent}: ${celsius} degrees`);
  },
  stop: { windowMs: 0 },
});
process.once("SIGINT", () => void principal.stop());

const { address } = await principal.start();
console.log(`listening on ${address?.port}`);
