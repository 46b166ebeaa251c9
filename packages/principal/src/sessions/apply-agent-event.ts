import { eventClass, HawserError, OUTPUT_REQUEST_TYPE, parseStatusData } from "@hawser/protocol";
import type { Delivery, Outcome } from "@hawser/link";
import { traced } from "@hawser/runtime";
import type { AgentEventHandler } from "../principal.js";
import { handling } from "../tracing.js";

/** What the principal does with an event of an agent: keep the newest status, hand commands to the application. */
export function applyAgentEvent(
  agent: string,
  onEvent: AgentEventHandler | undefined,
): (delivery: Delivery) => Promise<Outcome> {
  const apply = async ({ event, attempt, epoch, signal }: Delivery): Promise<Outcome> => {
    switch (eventClass(event.type)) {
      case "status":
        return applyStatus(event);
      case "command":
        if (event.type === OUTPUT_REQUEST_TYPE) return forbidden(agent, event);
        return onEvent === undefined
          ? noHandler(agent, event)
          : runHandler(onEvent, { agent, event, attempt, epoch, signal });
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

function applyStatus(event: Delivery["event"]): Outcome {
  try {
    parseStatusData(event);
  } catch (thrown) {
    return { kind: "rejected", error: HawserError.from(thrown, "invalid_event") };
  }
  // Of an older uid it says nothing about the resource that has the name now; of none that is known here nobody could see it, and nothing would ever take it away. Of such nothing is recorded
  // either: an agent could make this side remember as many names as it can think of.
  return { kind: "applied", retain: { keep: event, ifSent: true } };
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
