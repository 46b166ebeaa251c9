import { eventClass, HawserError, OUTPUT_REQUEST_TYPE, parseStatusData } from "@hawser/protocol";
import type { Delivery, Outcome } from "@hawser/link";
import type { Store } from "@hawser/store";
import { traced } from "@hawser/runtime";
import type { AgentEventHandler } from "../principal.js";
import { handling } from "../tracing.js";

/** What the principal does with an event of an agent: keep the newest status, hand commands to the application. */
export function applyAgentEvent(
  agent: string,
  store: Store,
  onEvent: AgentEventHandler | undefined,
): (delivery: Delivery) => Promise<Outcome> {
  const apply = async ({ event, attempt }: Delivery): Promise<Outcome> => {
    switch (eventClass(event.type)) {
      case "status":
        return applyStatus(agent, store, event);
      case "command":
        if (event.type === OUTPUT_REQUEST_TYPE) return forbidden(agent, event);
        return onEvent === undefined
          ? noHandler(agent, event)
          : runHandler(onEvent, { agent, event, attempt });
      case "spec":
      case "delete":
        return forbidden(agent, event);
    }
  };
  return (delivery) => {
    const { event, attempt } = delivery;
    return traced(
      handling,
      () => ({ agent, event, attempt }),
      () => apply(delivery),
    );
  };
}

async function applyStatus(agent: string, store: Store, event: Delivery["event"]): Promise<Outcome> {
  try {
    parseStatusData(event);
  } catch (thrown) {
    return { kind: "rejected", error: HawserError.from(thrown, "invalid_event") };
  }
  // Of an older uid it says nothing about the resource that has the name now; of none that is known here nobody could see it, and nothing would ever take it away.
  const sent =
    event.subject === undefined ? undefined : await store.retained.get(agent, "sent", event.subject);
  // So there is nothing to record either: an agent could make this side remember as many names as it can think of.
  if (sent?.event.resourceid !== event.resourceid) return { kind: "discarded" };
  return { kind: "applied", retain: { keep: event } };
}

function forbidden(agent: string, { type }: Delivery["event"]): Outcome {
  return {
    kind: "rejected",
    error: new HawserError("forbidden", `${type} is for the principal to send`, { agent }),
  };
}

function noHandler(agent: string, event: Delivery["event"]): Outcome {
  const error = new HawserError(
    "no_handler",
    `this principal takes no events of agents, such as ${event.type}: nothing is set to handle them (onEvent of createPrincipal)`,
    {
      agent,
    },
  );
  return { kind: "rejected", error };
}

async function runHandler(
  onEvent: AgentEventHandler,
  delivery: Parameters<AgentEventHandler>[0],
): Promise<Outcome> {
  try {
    await onEvent(delivery);
    return { kind: "applied" };
  } catch (thrown) {
    if (thrown instanceof HawserError && thrown.code === "handler_rejected")
      return { kind: "rejected", error: thrown };
    throw thrown;
  }
}
