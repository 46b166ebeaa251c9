import type { Principal } from "@hawser/principal";
import { HawserError } from "@hawser/protocol";
import type { Runtime } from "@hawser/runtime";
import type { Context, Hono } from "hono";
import { z } from "zod";
import { about } from "../openapi/api-schema.js";
import { operation } from "../openapi/operation.js";
import { pathParameter, route } from "../routes/routes.js";
import { OutputStreamSource } from "./output-source.js";
import type { StreamGap } from "./stream-observer.js";
import { OutputWatches } from "./output-watches.js";
import type { StreamSource } from "./stream-source.js";

export interface OutputRouteParts {
  readonly principal: Pick<Principal, "agent" | "observe" | "resources">;
  readonly runtime: Runtime;
  /** Answers with a stream, as long as there is room for one. */
  readonly answer: (context: Context, open: (lastEventId: string | undefined) => StreamSource) => Response;
  readonly onGap: (reason: StreamGap) => void;
}

const QUERY = z.object({
  follow: about(
    "`false`: the stream ends when all there is has been told. Default `true`.",
    z.enum(["true", "false"]).optional(),
  ),
  tail: about(
    "So many of the last lines to begin with; default: all that the agent has kept.",
    z
      .string()
      .regex(/^\d{1,6}$/)
      .optional(),
  ),
});

/** What a resource writes, such as the output of a Task, as it is written. */
export function outputRoute(app: Hono, { principal, runtime, answer, onGap }: OutputRouteParts): void {
  const watches = new OutputWatches({ principal, runtime });
  principal.observe(watches.observer);
  route(app, "/v1/streams/agents/:agent/resources/:kind/:name/output", {
    GET: operation(
      {
        id: "streamOutput",
        tag: "Streams",
        summary: "Follow what a resource writes",
        description:
          "The lines of a Task: what its agent has kept (64 KiB by default), then what comes, within a second or so. `output` has lines, `gap` says how much was left out, `waiting` why nothing comes, `synced` that all there was has been told. `refused` and `gone` are the last. While somebody reads, the agent shows the lines in the status of the resource (`output`), and nobody else is told. With `Last-Event-ID` the stream goes on behind it.",
        query: QUERY,
        headers: {
          "last-event-id": "The `id` of the last event that was read; the stream goes on behind it.",
        },
        answers: {
          200: {
            description: "Server-sent events, until the reader or the principal goes.",
            content: { "text/event-stream": z.string() },
          },
        },
        errors: ["overloaded", "draining", "not_found", "invalid_agent_name", "store_unavailable"],
      },
      async (context, { query: { follow, tail } }) => {
        const target = {
          agent: pathParameter(context, "agent"),
          kind: pathParameter(context, "kind"),
          name: pathParameter(context, "name"),
        };
        const { agent, kind, name } = target;
        if ((await principal.resources.get(agent, kind, name)) === undefined)
          throw new HawserError("not_found", `agent ${agent} has no ${kind}/${name}`, { agent });
        return answer(
          context,
          (lastEventId) =>
            new OutputStreamSource(watches.watch(target), {
              follow: follow !== "false",
              tail: tail === undefined ? undefined : Number(tail),
              lastEventId,
              onGap: () => onGap("lagged"),
            }),
        );
      },
    ),
  });
}
