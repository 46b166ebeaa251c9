import { printableLine } from "@hawser/runtime";
import type { ApiClient } from "../api/api-client.js";
import { followStream } from "../api/follow-stream.js";
import { recordedSchema, type Recorded } from "../api/schemas.js";
import type { CommandContext } from "../command/command-context.js";
import type { Since } from "../command/since-option.js";
import { jsonText } from "../output/json-text.js";
import { yamlText } from "../output/yaml-text.js";
import type { Style } from "../output/style.js";

/** Which recorded events, and how. */
export interface RecordedOptions {
  readonly follow?: true;
  readonly since?: Since;
  readonly type?: string;
  readonly source?: string;
}

/** Characters of data on a line for people; programs get all of it. */
const MAX_DATA_LENGTH = 200;

/** Prints the events that agents sent: those that the principal keeps, or, followed, also those to come. */
export async function recordedEvents(
  context: CommandContext,
  agent: string | undefined,
  { follow, since, type, source }: RecordedOptions,
): Promise<void> {
  const { runtime } = context;
  const client = context.connect();
  const fromAtMs =
    since !== undefined && "agoMs" in since ? runtime.clock.wallTime() - since.agoMs : undefined;
  const print = (recorded: Recorded): void => {
    if (fromAtMs === undefined || Date.parse(recorded.recordedAt) >= fromAtMs)
      printRecorded(context, recorded);
  };
  const id = since !== undefined && "id" in since ? since.id : undefined;
  // The id of a stream ends with a position.
  const after = id === undefined ? undefined : id.slice(id.lastIndexOf("-") + 1);
  const query = { agent, type, source };
  if (follow !== true) return listRecorded(client, { ...query, after }, print);
  const begin = id?.includes("-") === true ? undefined : (after ?? (since === undefined ? undefined : "0"));
  await followRecorded(context, client, { query: { ...query, after: begin }, id, print });
}

type Query = Readonly<Record<string, string | undefined>>;

async function listRecorded(
  client: ApiClient,
  query: Query,
  print: (recorded: Recorded) => void,
): Promise<void> {
  for (let { after } = query; ; ) {
    const { items, next } = await client.recorded({ ...query, after });
    for (const recorded of items) print(recorded);
    if (next === null) return;
    after = next;
  }
}

interface Following {
  readonly query: Query;
  /** Of a stream, to go on behind. */
  readonly id: string | undefined;
  readonly print: (recorded: Recorded) => void;
}

async function followRecorded(
  { terminal, runtime }: CommandContext,
  { server }: ApiClient,
  { query, id, print }: Following,
): Promise<void> {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, value);
  await followStream({
    server,
    path: `/v1/streams/agent-events?${parameters.toString()}`,
    timers: runtime.timers,
    random: runtime.random,
    signal: AbortSignal.any([terminal.interrupted, terminal.readerGone]),
    ...(id?.includes("-") === true ? { lastEventId: id } : {}),
    onOpen() {},
    onEvent({ event, data }) {
      if (event === "gap")
        terminal.err("hawser: some events are missing here: the principal does not keep them any more");
      const parsed = event === "recorded" ? recordedSchema.safeParse(parseJson(data)) : undefined;
      if (parsed?.success === true) print(parsed.data);
    },
    onInterrupted: (reason, retryInMs) =>
      terminal.err(`hawser: the stream broke off (${reason}); resuming in ${(retryInMs / 1000).toFixed(1)}s`),
    onResumed: () => terminal.err("hawser: the stream goes on"),
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function printRecorded({ terminal, globals }: CommandContext, recorded: Recorded): void {
  const { output } = globals();
  if (output === "yaml") terminal.out(`---\n${yamlText(recorded)}`);
  else if (output === "json" || output === "jsonl") terminal.out(jsonText(recorded));
  else terminal.out(lineOf(recorded, terminal.style, output === "wide"));
}

/** The day as well, as the log goes back for days. */
function lineOf({ position, agent, recordedAt, event }: Recorded, style: Style, isWide: boolean): string {
  const when = `${recordedAt.slice(0, 10)} ${recordedAt.slice(11, 23)}`;
  const more = isWide ? [position, event.source, event.id] : [];
  const data = event.data === undefined ? "" : JSON.stringify(event.data);
  const shown = data.length > MAX_DATA_LENGTH ? `${data.slice(0, MAX_DATA_LENGTH)}…` : data;
  const cells = [agent.padEnd(12), event.type, ...more, event.resourceid, shown];
  return `${style.dim(when)}  ${cells.map(printableLine).join("  ")}`.trimEnd();
}
