import { HawserError } from "@hawser/protocol";
import { z } from "zod";
import type { EventFilter } from "../event-log/event-filter.js";

/** How a webhook gets its events (CloudEvents HTTP protocol binding 1.0.2): one in JSON, one with its attributes as headers, or several in a JSON array. */
export const WEBHOOK_MODES = ["structured", "binary", "batch"] as const;
/** One of them. */
export type WebhookMode = (typeof WEBHOOK_MODES)[number];

/** Events go by POST to an address. */
export interface WebhookTarget {
  readonly kind: "webhook";
  /** `http` or `https`; redirects are not followed. */
  readonly url: string;
  /** @default "structured" */
  readonly mode: WebhookMode;
  /** What requests are signed with (Standard Webhooks 1.0.0): `whsec_` and base64 of 24 to 64 bytes. @default not signed */
  readonly secret?: string | undefined;
  /** Sent along, such as `authorization`. @default none */
  readonly headers: Readonly<Record<string, string>>;
  /** From the first byte to the end of the answer. @default 10_000 */
  readonly timeoutMs: number;
}

/** Events go into a file in the directory of the sinks, a JSON object a line. */
export interface FileTarget {
  readonly kind: "file";
  /** A file that has reached this is closed, and a new one begun. @default 67_108_864 (64 MiB) */
  readonly maxBytes: number;
  /** Files that are kept, the one being written included; the oldest goes. @default 5 */
  readonly maxFiles: number;
}

/** Where events of the log go, and which. */
export interface SinkDefinition {
  readonly target: WebhookTarget | FileTarget;
  /** @default all events */
  readonly filter: EventFilter;
  /** Nothing is delivered; what is of interest waits in the log. @default false */
  readonly paused: boolean;
  /**
   * An event that the receiver refuses, while it takes others, becomes a dead letter this long after the first try. @default 86_400_000 (a day)
   */
  readonly giveUpAfterMs: number;
}

/** A definition as it is asked for: what has a default may be left out. */
export interface SinkRequest {
  readonly target:
    | (Pick<WebhookTarget, "kind" | "url"> & Partial<WebhookTarget>)
    | (Pick<FileTarget, "kind"> & Partial<FileTarget>);
  readonly filter?: Partial<EventFilter>;
  readonly paused?: boolean;
  readonly giveUpAfterMs?: number;
}

const MAX_URL_LENGTH = 2_048;
const MAX_HEADERS = 16;
const MAX_HEADER_LENGTH = 4_096;
const MAX_PATTERNS = 100;
const MAX_PATTERN_LENGTH = 256;
const DAY_MS = 86_400_000;
/** What every request has, and nobody may set. */
const OWN_HEADERS =
  /^(?:ce-.*|webhook-.*|content-type|content-length|host|connection|transfer-encoding|expect|te|trailer|upgrade|keep-alive)$/;

const urlSchema = z
  .string()
  .max(MAX_URL_LENGTH)
  .superRefine((text, context) => {
    const problem = urlProblem(text);
    if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
  });

function urlProblem(text: string): string | undefined {
  if (!URL.canParse(text)) return "must be an http or https address";
  const { protocol, username, password, hash } = new URL(text);
  if (protocol !== "http:" && protocol !== "https:") return "must begin with http:// or https://";
  if (username !== "" || password !== "")
    return "must not hold a name and password; send them in the header authorization";
  return hash === "" ? undefined : "must have no fragment";
}

const secretSchema = z.string().superRefine((text, context) => {
  const [, encoded] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? [];
  const bytes = encoded === undefined ? 0 : Buffer.from(encoded, "base64").length;
  if (bytes < 24 || bytes > 64)
    context.addIssue({
      code: "custom",
      message: "must be whsec_ and base64 of 24 to 64 bytes: echo whsec_$(openssl rand -base64 32)",
    });
});

const headersSchema = z.record(z.string(), z.string()).superRefine((headers, context) => {
  const refuse = (message: string, path: string[]): void =>
    context.addIssue({ code: "custom", message, path });
  const entries = Object.entries(headers);
  if (entries.length > MAX_HEADERS) refuse(`must be ${MAX_HEADERS} at most`, []);
  for (const [name, value] of entries) {
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]{1,64}$/.test(name))
      refuse("must be the name of a header, in lower case", [name]);
    else if (OWN_HEADERS.test(name)) refuse("is a header that the request has already", [name]);
    if (value.length > MAX_HEADER_LENGTH || !/^[\t\x20-\x7e]*$/.test(value))
      refuse(`must be printable ASCII, ${MAX_HEADER_LENGTH} characters at most`, [name]);
  }
});

const patternsSchema = z.array(z.string().min(1).max(MAX_PATTERN_LENGTH)).max(MAX_PATTERNS).default([]);

const filterSchema = z
  .strictObject({ types: patternsSchema, sources: patternsSchema, agents: patternsSchema })
  .default({ types: [], sources: [], agents: [] });

const webhookSchema = z.strictObject({
  kind: z.literal("webhook"),
  url: urlSchema,
  mode: z.enum(WEBHOOK_MODES).default("structured"),
  secret: secretSchema.optional(),
  headers: headersSchema.default({}),
  timeoutMs: z.int().min(100).max(600_000).default(10_000),
});

const fileSchema = z.strictObject({
  kind: z.literal("file"),
  maxBytes: z.int().min(1_000_000).max(1_000_000_000_000).default(67_108_864),
  maxFiles: z.int().min(1).max(1_000).default(5),
});

/** What is asked for, with every default filled in. */
export const sinkDefinitionSchema = z.strictObject({
  target: z.discriminatedUnion("kind", [webhookSchema, fileSchema]),
  filter: filterSchema,
  paused: z.boolean().default(false),
  giveUpAfterMs: z
    .int()
    .min(1_000)
    .max(30 * DAY_MS)
    .default(DAY_MS),
});

/** @throws HawserError `invalid_message` naming the member that is wrong */
export function parseSinkDefinition(given: unknown): SinkDefinition {
  const parsed = sinkDefinitionSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new HawserError("invalid_message", `the sink: ${issue?.path.join(".")} ${issue?.message}`);
}

/** Longest name of a sink. */
const MAX_NAME_LENGTH = 63;

/** @throws HawserError `invalid_message` for a name that is none */
export function checkSinkName(name: string): void {
  if (name.length <= MAX_NAME_LENGTH && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(name)) return;
  throw new HawserError(
    "invalid_message",
    `${JSON.stringify(name.slice(0, 80))} is no name for a sink: a to z, 0 to 9 and - within, ${MAX_NAME_LENGTH} characters at most`,
  );
}
