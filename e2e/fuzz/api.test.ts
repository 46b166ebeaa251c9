import { once } from "node:events";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { expect, it } from "vitest";
import { fuzz, fuzzPlan } from "../support/fuzz/fuzz.js";
import { residentBytes, SMALL_HEAP } from "../support/fuzz/process-memory.js";
import { request, type FuzzRequest } from "../support/fuzz/requests.js";
import type { PrincipalApi } from "../support/principal-api.js";
import { createTestFleet } from "../support/test-fleet.js";

const LONG_MS = 4 * 60 * 60_000;
const MAX_RESIDENT_BYTES = 500_000_000;
const AT_ONCE = 16;
/** No answer to one of these questions is as long. */
const MAX_ANSWER_BYTES = 10_000_000;

it("whatever is asked of the API, it answers, and never with a fault of its own", {
  timeout: LONG_MS,
}, async () => {
  const fleet = await createTestFleet(["--log-level", "error"], SMALL_HEAP);
  await fleet.startPrincipal();
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const statuses = new Map<number, number>();
  const ask = async (asked: FuzzRequest): Promise<void> => {
    const status = await send(fleet.api, agent, asked);
    if (status === undefined) return;
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (status >= 500 && status !== 503 && status !== 507)
      throw new Error(`${status} for ${JSON.stringify({ ...asked, body: asked.body?.toString("base64") })}`);
  };
  let open: Promise<void>[] = [];
  await fuzz("the API", fuzzPlan(600), async (random) => {
    open.push(ask(request(random)));
    if (open.length < AT_ONCE) return;
    await Promise.all(open);
    open = [];
  });
  await Promise.all(open);
  agent.destroy();
  console.log(`fuzz: the API, ${JSON.stringify(Object.fromEntries(statuses))}`);
  expect(fleet.principal.running).toBe(true);
  expect((await fleet.api.request("GET", "/livez")).status).toBe(200);
  expect((await residentBytes(fleet.principal.pid)) ?? 0).toBeLessThan(MAX_RESIDENT_BYTES);
});

/** The status; undefined for what this client cannot say. */
async function send(
  { server, authorization }: PrincipalApi,
  agent: Agent,
  { method, path, headers, body }: FuzzRequest,
): Promise<number | undefined> {
  const { hostname, port } = new URL(server);
  let outgoing: ReturnType<typeof httpRequest>;
  try {
    outgoing = httpRequest({
      agent,
      host: hostname,
      port,
      method,
      path,
      headers: { ...Object.fromEntries(headers), ...authorization, "content-length": body?.length ?? 0 },
    });
  } catch {
    return undefined;
  }
  outgoing.end(body);
  const [response] = (await once(outgoing, "response")) as [IncomingMessage];
  let read = 0;
  const isStream = response.headers["content-type"]?.startsWith("text/event-stream") === true;
  if (isStream) response.destroy();
  else
    for await (const chunk of response) {
      read += (chunk as Buffer).length;
      if (read > MAX_ANSWER_BYTES) throw new Error(`more than ${read} bytes for ${method} ${path}`);
    }
  return response.statusCode;
}
