import { z } from "zod";
import type { Agent, DeadLetter, RemovedAgent, Resource, Sink, SinkDeadLetter } from "../api/schemas.js";
import type { Column } from "./print.js";
import { paintState } from "./style.js";
import { formatDuration } from "./table.js";
import { waitText } from "./wait-text.js";

/** How a Task's last run ended: one of them. */
const lastExitSchema = z.object({
  code: z.number().optional(),
  signal: z.string().optional(),
  error: z.string().optional(),
});

const painted = (cell: string, terminal: Parameters<NonNullable<Column<never>["paint"]>>[1]): string =>
  paintState(terminal.style, cell);

/** @param now wall-clock time, in Unix milliseconds */
export function agentColumns(now: number): readonly Column<Agent>[] {
  return [
    { title: "NAME", cell: (agent) => agent.name },
    { title: "STATE", cell: (agent) => agent.state, paint: painted },
    { title: "TRANSPORT", cell: (agent) => agent.session?.transport ?? "-" },
    {
      title: "SESSION",
      cell: ({ session }) => (session === undefined ? "-" : formatDuration(session.ageMs)),
    },
    { title: "PENDING", cell: (agent) => String(agent.pending) },
    { title: "DEAD", cell: (agent) => String(agent.deadLetters) },
    { title: "ADDRESS", wide: true, cell: ({ session }) => session?.address ?? "-" },
    { title: "SOFTWARE", wide: true, cell: ({ session }) => session?.software ?? "-" },
    { title: "SEEN", cell: ({ lastSeenAt }) => seen(lastSeenAt, now) },
    { title: "ACKED", wide: true, cell: ({ lastAckAt }) => seen(lastAckAt, now) },
    { title: "REASON", cell: reasonOf },
  ];
}

/** Of an agent that is there, the reason says what other columns say. */
function reasonOf({ state, session, reason }: Agent): string {
  const isSaid = state === "connected" && session?.address !== undefined && reason.endsWith(session.address);
  return isSaid ? "-" : reason;
}

/** How long ago; a principal whose clock is ahead of ours has seen it now. */
export function seen(lastSeenAt: string | undefined, now: number): string {
  return lastSeenAt === undefined ? "-" : `${formatDuration(now - Date.parse(lastSeenAt))} ago`;
}

/** @param now wall-clock time, in Unix milliseconds */
export function resourceColumns(now: number): readonly Column<Resource>[] {
  return [
    ...RESOURCE_COLUMNS,
    { title: "WAITS", wide: true, cell: (resource) => waitText(resource, now) ?? "-" },
  ];
}

const RESOURCE_COLUMNS: readonly Column<Resource>[] = [
  { title: "AGENT", cell: (resource) => resource.agent },
  { title: "KIND", cell: (resource) => resource.kind },
  { title: "NAME", cell: (resource) => resource.name },
  { title: "VERSION", cell: (resource) => resource.version },
  { title: "STATE", cell: (resource) => resource.state, paint: painted },
  { title: "OBSERVED", cell: (resource) => resource.observedVersion ?? "-" },
  { title: "UID", wide: true, cell: (resource) => resource.uid },
  { title: "UPDATED", wide: true, cell: (resource) => resource.updatedAt ?? "-" },
  { title: "REPORTED", wide: true, cell: (resource) => resource.statusAt ?? "-" },
  { title: "STATUS", cell: (resource) => summary(resource.status) },
];

export const REMOVED_COLUMNS: readonly Column<RemovedAgent>[] = [
  { title: "NAME", cell: ({ name }) => name },
  { title: "REMOVED", cell: ({ removedAt }) => removedAt },
];

export const sinkColumns: readonly Column<Sink>[] = [
  { title: "NAME", cell: ({ name }) => name },
  { title: "STATE", cell: ({ state }) => state, paint: painted },
  { title: "TO", cell: ({ target }) => target.url ?? target.path ?? target.kind },
  { title: "MODE", wide: true, cell: ({ target }) => target.mode ?? "-" },
  { title: "LAG", cell: ({ lag }) => String(lag) },
  { title: "BEHIND", cell: ({ lag, lagMs }) => (lag === 0 ? "-" : formatDuration(lagMs)) },
  { title: "DELIVERED", cell: ({ delivered }) => String(delivered) },
  { title: "FAILURES", wide: true, cell: ({ failures }) => String(failures) },
  { title: "DEAD", cell: ({ deadLetters }) => String(deadLetters) },
  { title: "TYPES", wide: true, cell: ({ filter }) => filter.types.join(",") || "*" },
  { title: "SOURCES", wide: true, cell: ({ filter }) => filter.sources.join(",") || "*" },
  { title: "AGENTS", wide: true, cell: ({ filter }) => filter.agents.join(",") || "*" },
  { title: "LAST FAILURE", cell: ({ failure }) => failure?.message ?? "-" },
];

export const sinkDeadLetterColumns: readonly Column<SinkDeadLetter>[] = [
  { title: "ID", cell: ({ id }) => id },
  { title: "AGENT", cell: ({ agent }) => agent },
  { title: "RESOURCE", cell: ({ resourceid }) => resourceid },
  { title: "TYPE", cell: ({ type }) => type },
  { title: "POSITION", wide: true, cell: ({ position }) => position },
  { title: "AT", wide: true, cell: ({ at }) => at },
  { title: "MESSAGE", cell: ({ message }) => message },
];

export const deadLetterColumns: readonly Column<DeadLetter>[] = [
  { title: "AGENT", cell: (letter) => letter.agent },
  { title: "EVENT", cell: (letter) => letter.eventid },
  { title: "RESOURCE", cell: (letter) => letter.resourceid },
  { title: "TYPE", cell: (letter) => letter.type },
  { title: "AT", wide: true, cell: (letter) => letter.at },
  { title: "CODE", cell: (letter) => letter.code },
  { title: "MESSAGE", cell: (letter) => letter.message },
];

/** The `state` of a status that has one, as the built-in handlers' do, with the restarts of a Task that does not stay up; otherwise its beginning. */
function summary(status: Resource["status"]): string {
  if (status === undefined || status === null) return "-";
  if (typeof status === "object" && !Array.isArray(status) && typeof status.state === "string")
    return `${status.state}${restarts(status)}`;
  const text = JSON.stringify(status);
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}

function restarts({ restarts: count, lastExit }: Readonly<Record<string, unknown>>): string {
  if (typeof count !== "number" || count === 0) return "";
  const exit = lastExitSchema.safeParse(lastExit).data;
  const how = exit === undefined ? "" : `, last exit ${exit.code ?? exit.signal ?? exit.error ?? "unknown"}`;
  return ` (${count} ${count === 1 ? "restart" : "restarts"}${how})`;
}
