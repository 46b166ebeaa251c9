import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { z } from "zod";
import { eventually } from "./eventually.js";

const value = z.object({
  stringValue: z.string().optional(),
  intValue: z.union([z.number(), z.string()]).optional(),
  boolValue: z.boolean().optional(),
});
const attributes = z
  .array(z.object({ key: z.string(), value }))
  .transform((list) =>
    Object.fromEntries(
      list.map(({ key, value: { stringValue, intValue, boolValue } }) => [
        key,
        stringValue ?? boolValue ?? Number(intValue),
      ]),
    ),
  );
const span = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  kind: z.number(),
  attributes,
  status: z.object({ code: z.number().optional(), message: z.string().optional() }).optional(),
  links: z.array(z.object({ traceId: z.string(), spanId: z.string() })).default([]),
});
const traces = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes }),
      scopeSpans: z.array(z.object({ scope: z.object({ name: z.string() }), spans: z.array(span) })),
    }),
  ),
});

/** A span as it was exported. */
export type ExportedSpan = z.infer<typeof span> & { readonly service: unknown };

/** What an OTLP collector is to an exporter: takes spans over HTTP as JSON, until the test ends. */
export class SpanCollector {
  readonly #server = createServer((request, response) => {
    void text(request).then((body) => {
      this.#take(traces.parse(JSON.parse(body)));
      response.setHeader("content-type", "application/json").end("{}");
    });
  });
  readonly #spans: ExportedSpan[] = [];

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    onTestFinished(async () => {
      this.#server.closeAllConnections();
      await new Promise((resolve) => this.#server.close(resolve));
    });
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the collector has no port");
    return `http://127.0.0.1:${address.port}`;
  }

  get spans(): readonly ExportedSpan[] {
    return this.#spans;
  }

  /** The first span of a service and a name that fits, once it is there. */
  span(
    service: string,
    name: string,
    fits: (span: ExportedSpan) => boolean = () => true,
  ): Promise<ExportedSpan> {
    return eventually(`${service} exports ${name}`, () =>
      this.#spans.find((each) => each.service === service && each.name === name && fits(each)),
    );
  }

  #take({ resourceSpans }: z.infer<typeof traces>): void {
    for (const { resource, scopeSpans } of resourceSpans)
      for (const { spans } of scopeSpans)
        for (const each of spans) this.#spans.push({ ...each, service: resource.attributes["service.name"] });
  }
}
