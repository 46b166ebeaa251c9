import { HttpError } from "@hawser/http-binding";
import { HawserError } from "@hawser/protocol";
import type { Hono } from "hono";
import { z } from "zod";
import type { Sinks } from "../sinks/sinks.js";
import { about } from "../openapi/api-schema.js";

import { operation, type Operation } from "../openapi/operation.js";
import { readPage } from "../http/paging.js";
import { parsePrecondition } from "../http/preconditions.js";
import { choice, FORCE_QUERY, PAGE_QUERY } from "../http/query.js";
import { pathParameter, route } from "./routes.js";
import {
  PutSinkBody,
  Sink,
  SinkDeadLetter,
  sinkDeadLetterJson,
  sinkJson,
  SinkTestResult,
} from "../openapi/sink-schemas.js";
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
export function sinkRoutes(app: Hono, given: Sinks | undefined): void {
  const sinks = (): Sinks => {
    if (given !== undefined) return given;
    throw new HawserError("not_found", "this principal has no sinks");
  };

  route(app, "/v1/sinks", {
    GET: operation(
      {
        id: "listSinks",
        tag: "Sinks",
        summary: "List the sinks",
        description: "All of them, in order of name.",
        answers: { 200: { description: "The sinks.", content: { "application/json": SinkList } } },
        errors: READ_ERRORS,
      },
      async (context) => context.json({ items: (await sinks().list()).map(sinkJson) }),
    ),
  });

  route(app, "/v1/sinks/:sink", {
    GET: operation(
      {
        id: "getSink",
        tag: "Sinks",
        summary: "Show a sink",
        answers: { 200: { description: "The sink.", content: { "application/json": Sink } } },
        errors: READ_ERRORS,
      },
      async (context) => {
        const name = pathParameter(context, "sink");
        const view = await sinks().get(name);
        if (view === undefined) throw new HawserError("not_found", `there is no sink ${name}`);
        return context.json(sinkJson(view));
      },
    ),
    PUT: putSink(sinks),
    DELETE: operation(
      {
        id: "removeSink",
        tag: "Sinks",
        summary: "Remove a sink",
        description: "Its dead letters go with it.",
        query: FORCE_QUERY,
        answers: { 204: { description: "Nothing is delivered to it any more." } },
        errors: [...WRITE_ERRORS, "conflict"],
      },
      async (context, { query: { force } }) => {
        await sinks().remove(pathParameter(context, "sink"), { force });
        return context.body(null, 204);
      },
    ),
  });

  for (const [verb, paused] of [
    ["pause", true],
    ["resume", false],
  ] as const) {
    route(app, `/v1/sinks/:sink/${verb}`, {
      POST: operation(
        {
          id: `${verb}Sink`,
          tag: "Sinks",
          summary: paused ? "Deliver nothing to a sink" : "Deliver to a sink again",
          description: "What is of interest to a paused sink waits in the log. Asking again changes nothing.",
          answers: { 200: { description: "The sink.", content: { "application/json": Sink } } },
          errors: WRITE_ERRORS,
        },
        async (context) =>
          context.json(sinkJson(await sinks().setPaused(pathParameter(context, "sink"), paused))),
      ),
    });
  }

  route(app, "/v1/sinks/:sink/test", {
    POST: operation(
      {
        id: "testSink",
        tag: "Sinks",
        summary: "Deliver a test event to a sink",
        description:
          "An event of the type `hawser.sink.test.v1`, at once and once, past the log. The answer is 200 whatever became of it.",
        answers: {
          200: { description: "What became of it.", content: { "application/json": SinkTestResult } },
        },
        errors: READ_ERRORS,
      },
      async (context) => context.json(await sinks().test(pathParameter(context, "sink"))),
    ),
  });
  deadLetterRoutes(app, sinks);
}

function putSink(sinks: () => Sinks): Operation {
  return operation(
    {
      id: "putSink",
      tag: "Sinks",
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
      answers: {
        200: { description: "Changed.", content: { "application/json": Sink } },
        201: { description: "Added.", content: { "application/json": Sink } },
      },
      errors: [...WRITE_ERRORS, ["conflict", 412], "overloaded"],
    },
    async (context, { query: { from }, body }) => {
      const precondition = parsePrecondition(context.req.raw.headers);
      if (precondition.kind === "version")
        throw new HawserError("invalid_message", "a sink has no version; send If-None-Match: * or nothing");
      const name = pathParameter(context, "sink");
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
  );
}

function deadLetterRoutes(app: Hono, sinks: () => Sinks): void {
  route(app, "/v1/sinks/:sink/dead-letters", {
    GET: operation(
      {
        id: "listSinkDeadLetters",
        tag: "Sinks",
        summary: "List what a sink gave up",
        query: z.object(PAGE_QUERY),
        answers: {
          200: {
            description: "A page of dead letters.",
            content: { "application/json": SinkDeadLetterPage },
          },
        },
        errors: [...READ_ERRORS, "invalid_eventid"],
      },
      async (context, { query }) =>
        context.json(
          await readPage(
            { limit: query.limit, after: query.after },
            (request) => sinks().deadLetters(pathParameter(context, "sink"), request),
            ({ id }) => id,
            sinkDeadLetterJson,
          ),
        ),
    ),
  });
  route(app, "/v1/sinks/:sink/dead-letters/:id", {
    DELETE: operation(
      {
        id: "discardSinkDeadLetter",
        tag: "Sinks",
        summary: "Throw a dead letter of a sink away",
        answers: { 204: { description: "Gone from the disk." } },
        errors: [...WRITE_ERRORS, "invalid_eventid"],
      },
      async (context) => {
        await sinks().discard(pathParameter(context, "sink"), pathParameter(context, "id"));
        return context.body(null, 204);
      },
    ),
  });
  route(app, "/v1/sinks/:sink/dead-letters/:id/requeue", {
    POST: operation(
      {
        id: "requeueSinkDeadLetter",
        tag: "Sinks",
        summary: "Deliver a dead letter of a sink again",
        answers: { 204: { description: "It is tried again, from the beginning." } },
        errors: [...WRITE_ERRORS, "invalid_eventid", "conflict"],
      },
      async (context) => {
        await sinks().requeue(pathParameter(context, "sink"), pathParameter(context, "id"));
        return context.body(null, 204);
      },
    ),
  });
}
