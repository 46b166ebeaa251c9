import type { AgentEventHandler, Principal } from "@hawser/principal";
import { defineKind, HawserError } from "@hawser/protocol";
import { z } from "zod";

/** The type of the events in which agents report how warm it is. */
export const READING_TYPE = "com.example.reading.v1";
const COMFORTABLE_CELSIUS = 20;

/** What is in them. */
export const Reading = z.object({ celsius: z.number() });

/** What the heater of a room shall do. Its agent may use the same definition, and gets the same types. */
export const Heater = defineKind("Heater", { spec: z.object({ on: z.boolean() }) });

/**
 * Turns the heater of a room on and off, as its agent reports how warm it is. The reading stays on the agent's disk until this has resolved, and comes again after a crash:
 * an equal spec makes no new version, so doing it twice does no harm.
 */
export function heating(principal: () => Principal): AgentEventHandler {
  return async ({ agent, event }) => {
    if (event.type !== READING_TYPE)
      throw new HawserError("handler_rejected", `nobody here wants a ${event.type}`, { agent });
    const reading = Reading.safeParse(event.data);
    if (!reading.success)
      throw new HawserError("handler_rejected", z.prettifyError(reading.error), { agent });
    const on = reading.data.celsius < COMFORTABLE_CELSIUS;
    await principal().resources.of(Heater).put(agent, "radiator", { on });
  };
}
