import type { Page } from "@hawser/principal";
import { HttpError } from "@hawser/http-binding";
import { HawserError } from "@hawser/protocol";
import { z } from "zod";
import type { Sinks } from "../sinks/sinks.js";
import { about } from "../openapi/api-schema.js";
import { json } from "../openapi/operation.js";
import { readPage } from "../http/paging.js";
import { parsePrecondition } from "../http/preconditions.js";
import { choice, FORCE_QUERY, PAGE_QUERY } from "../http/query.js";
import type { Serve } from "./routes.js";
import { PutSinkBody, Sink, SinkDeadLetter, SinkTestResult } from "../openapi/sink-schemas.js";
import { sinkDeadLetterJson, sinkJson } from "./view-json.js";
import { page } from "../openapi/view-schemas.js";

const SinkDeadLetterPage = page("SinkDeadLetterPage", SinkDeadLetter);
const SinkList = z.object({ items: z.array(Sink) });
const READ_ERRORS = ["not_found", "store_unavailable"] as const;
const WRITE_ERRORS = [...READ_ERRORS, "store_full", "mailbox_full"] as const;

const FROM_QUERY = z.object({
  from: about(
    "Where a new sink begins: with the events to come, or with the oldest there are.",
    choice(["now", "oldest"]).default("now"),
  ),
});

/** Where the events of agents go. */
export function sinkRoutes(serve: Serve, given: Sinks | undefined): void {
  const sinks = (): Sinks => {
    if (given !== undefined) return given;
    throw new HawserError("not_found", "this principal has no sinks");
  };
  serve("GET", "/v1/sinks", {
    id: "listSinks",
    summary: "List the sinks",
    description: "All of them, in order of name.",
    answers: { 200: json("The sinks.", SinkList) },
    errors: READ_ERRORS,
    handle: async (context) => context.json({ items: (await sinks().list()).map(sinkJson) }),
  });
  serve("GET", "/v1/sinks/:sink", {
    id: "getSink",
    summary: "Show a sink",
    answers: { 200: json("The sink.", Sink) },
    errors: READ_ERRORS,
    handle: async (context, { path: { sink } }) => {
      const view = await sinks().get(sink);
      if (view === undefined) throw new HawserError("not_found", `there is no sink ${sink}`);
      return context.json(sinkJson(view));
    },
  });
  putSink(serve, sinks);
  serve("DELETE", "/v1/sinks/:sink", {
    id: "removeSink",
    summary: "Remove a sink",
    description: "Its dead letters go with it.",
    query: FORCE_QUERY,
    answers: { 204: { description: "Nothing is delivered to it any more." } },
    errors: [...WRITE_ERRORS, "conflict"],
    handle: async (context, { path: { sink }, query }) => {
      await sinks().remove(sink, query);
      return context.body(null, 204);
    },
  });
  pauseSink(serve, sinks, "pause", true, "Deliver nothing to a sink");
  pauseSink(serve, sinks, "resume", false, "Deliver to a sink again");
  serve("POST", "/v1/sinks/:sink/test", {
    id: "testSink",
    summary: "Deliver a test event to a sink",
    description:
      "An event of the type `hawser.sink.test.v1`, at once and once, past the log. The answer is 200 whatever became of it.",
    answers: { 200: json("What became of it.", SinkTestResult) },
    errors: READ_ERRORS,
    handle: async (context, { path: { sink } }) => context.json(await sinks().test(sink)),
  });
  deadLetterRoutes(serve, sinks);
}

function pauseSink(serve: Serve, sinks: () => Sinks, verb: string, paused: boolean, summary: string): void {
  serve("POST", `/v1/sinks/:sink/${verb}`, {
    id: `${verb}Sink`,
    summary,
    description: "What is of interest to a paused sink waits in the log. Asking again changes nothing.",
    answers: { 200: json("The sink.", Sink) },
    errors: WRITE_ERRORS,
    handle: async (context, { path }) => context.json(sinkJson(await sinks().setPaused(path.sink, paused))),
  });
}

function putSink(serve: Serve, sinks: () => Sinks): void {
  serve("PUT", "/v1/sinks/:sink", {
    id: "putSink",
    summary: "Add a sink, or change one",
    description:
      "A sink that is there goes on where it is. What is left out of the body has its default, secrets included.",
    query: FROM_QUERY,
    headers: { "if-none-match": "`*`: only if there is no sink by that name." },
    body: {
      schema: PutSinkBody,
      example: {
        target: { kind: "webhook", url: "https://example.org/hook" },
        filter: { types: ["com.example.*"] },
      },
    },
    answers: { 200: json("Changed.", Sink), 201: json("Added.", Sink) },
    errors: [...WRITE_ERRORS, ["conflict", 412], "overloaded"],
    handle: async (context, { path: { sink: name }, query: { from }, body }) => {
      const precondition = parsePrecondition(context.req.raw.headers);
      if (precondition.kind === "version")
        throw new HawserError("invalid_message", "a sink has no version; send If-None-Match: * or nothing");
      const mustBeNew = precondition.kind === "absent";
      if (precondition.kind === "present" && (await sinks().get(name)) === undefined)
        throw new HttpError(412, "conflict", `there is no sink ${name}`);
      try {
        const { sink, created } = await sinks().put(name, body, { from, mustBeNew });
        return context.json(sinkJson(sink), created ? 201 : 200);
      } catch (thrown) {
        const error = HawserError.from(thrown);
        if (error.code !== "conflict") throw error;
        throw new HttpError(412, "conflict", error.message, { cause: error });
      }
    },
  });
}

function deadLetterRoutes(serve: Serve, sinks: () => Sinks): void {
  serve("GET", "/v1/sinks/:sink/dead-letters", {
    id: "listSinkDeadLetters",
    summary: "List what a sink gave up",
    query: z.object(PAGE_QUERY),
    answers: { 200: json("A page of dead letters.", SinkDeadLetterPage) },
    errors: [...READ_ERRORS, "invalid_eventid"],
    handle: async (context, { path: { sink }, query }) => {
      const read = (request: Page) => sinks().deadLetters(sink, request);
      return context.json(await readPage(query, read, ({ id }) => id, sinkDeadLetterJson));
    },
  });
  serve("DELETE", "/v1/sinks/:sink/dead-letters/:id", {
    id: "discardSinkDeadLetter",
    summary: "Throw a dead letter of a sink away",
    answers: { 204: { description: "Gone from the disk." } },
    errors: [...WRITE_ERRORS, "invalid_eventid"],
    handle: async (context, { path: { sink, id } }) => {
      await sinks().discard(sink, id);
      return context.body(null, 204);
    },
  });
  serve("POST", "/v1/sinks/:sink/dead-letters/:id/requeue", {
    id: "requeueSinkDeadLetter",
    summary: "Deliver a dead letter of a sink again",
    answers: { 204: { description: "It is tried again, from the beginning." } },
    errors: [...WRITE_ERRORS, "invalid_eventid", "conflict"],
    handle: async (context, { path: { sink, id } }) => {
      await sinks().requeue(sink, id);
      return context.body(null, 204);
    },
  });
}
