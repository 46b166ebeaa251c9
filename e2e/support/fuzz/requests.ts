import type { Random } from "@hawser/runtime";
import { bytes, chance, integer, pick, times } from "./draws.js";
import { mutate } from "./mutate.js";

/** A request as a client may send it: what HTTP itself allows, and nothing that has to make sense. */
export interface FuzzRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer | undefined;
}

const PATHS: readonly [string, ...string[]] = [
  "/v1/agents",
  "/v1/agents/fuzz",
  "/v1/agents/fuzz/resources",
  "/v1/agents/fuzz/resources/Task/web",
  "/v1/streams/agents/fuzz/resources/Task/web/output",
  "/v1/agents/fuzz/events",
  "/v1/agents/fuzz/dead-letters",
  "/v1/agents/fuzz/dead-letters/1/requeue",
  "/v1/dead-letters",
  "/v1/resources",
  "/v1/status",
  "/v1/info",
  "/v1/admission",
  "/livez",
  "/readyz",
  "/metrics",
];
const QUERIES: readonly [string, ...string[]] = [
  "limit=1",
  "limit=-1",
  "limit=99999999999999999999",
  "after=%00",
  "after=fuzz",
  "cursor=eyJhIjoxfQ",
  "state=pending",
  "kind=Task",
  "dryRun=true",
  "follow=false&tail=1",
  "sort=pending&order=desc",
  "sort=__proto__",
  "name=%E0%A4%A",
  "x",
];
const METHODS: readonly [string, ...string[]] = ["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS"];
const BODIES: readonly [string, ...string[]] = [
  '{"spec":{"path":"a","content":"x"}}',
  '{"specversion":"1.0","id":"1","source":"s","type":"t","resourceid":"web_u1","data":{"a":[1,2,{"b":null}]}}',
  '[{"specversion":"1.0","id":"1","source":"s","type":"t","resourceid":"web_u1"}]',
  '{"ratePerSecond":100}',
  '{"reason":"x"}',
  "text",
];
const TYPES: readonly [string, ...string[]] = [
  "application/json",
  "application/cloudevents+json",
  "application/cloudevents-batch+json",
  "application/cloudevents+json; charset=utf-16",
  "text/plain",
  "application/octet-stream",
];
const HEADERS: readonly [readonly [string, string], ...(readonly [string, string])[]] = [
  ["ce-specversion", "1.0"],
  ["ce-id", "1"],
  ["ce-source", "s"],
  ["ce-type", "t"],
  ["ce-resourceid", "web_u1"],
  ["ce-time", "2026-01-01T00:00:00Z"],
  ["ce-expirytime", "tomorrow"],
  ["ce-__proto__", "x"],
  ["if-match", '"1"'],
  ["if-none-match", "*"],
  ["last-event-id", "0-0"],
  ["accept", "text/event-stream"],
  ["traceparent", "00-zz"],
  ["x-request-id", "%0d%0a"],
  ["content-encoding", "gzip"],
  ["idempotency-key", "k"],
];

/** Text of a header or a path: of its characters, some wrong ones. */
function damagedText(random: Random, text: string): string {
  return mutate(random, Buffer.from(text), () => bytes(random, 8))
    .toString("latin1")
    .replace(/[^\x21-\x7e]/g, (character) => encodeURIComponent(character));
}

export function request(random: Random): FuzzRequest {
  const path = pick(random, PATHS);
  const query = chance(random, 0.4) ? `?${pick(random, QUERIES)}` : "";
  const target = `${chance(random, 0.3) ? `/${damagedText(random, path.slice(1))}` : path}${query}`;
  const method = pick(random, METHODS);
  return {
    method,
    path: target.replaceAll("#", "%23"),
    headers: headers(random),
    body: method === "GET" || method === "HEAD" || chance(random, 0.2) ? undefined : body(random),
  };
}

/** A request that hands in an event, by the HTTP binding of CloudEvents. */
export function eventRequest(random: Random): FuzzRequest {
  return { method: "POST", path: "/v1/agents/fuzz/events", headers: headers(random), body: body(random) };
}

function headers(random: Random): (readonly [string, string])[] {
  const binary = chance(random, 0.5) ? HEADERS.slice(0, 5) : [];
  const all = [
    ["content-type", pick(random, TYPES)] as const,
    ...binary,
    ...times(integer(random, 0, 3), () => pick(random, HEADERS)),
  ];
  return [...new Map(all)].map(([name, value]) => [
    name,
    chance(random, 0.2) ? damagedText(random, value) : value,
  ]);
}

function body(random: Random): Buffer {
  const right = Buffer.from(pick(random, BODIES));
  return chance(random, 0.6) ? mutate(random, right, () => Buffer.from(pick(random, BODIES))) : right;
}
