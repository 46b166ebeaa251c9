import { defineKind } from "@hawser/protocol";
import { z } from "zod";

/** What the principal wants of a room, and what the room says of it: both programs import this. */
export const Heater = defineKind("Heater", {
  spec: z.object({ on: z.boolean() }),
  status: z.object({ on: z.boolean() }),
});
