import type { Agent, Resource } from "../api-client.js";
import type { Column } from "../output.js";
import { formatDuration } from "../table.js";

export const agentColumns: readonly Column<Agent>[] = [
  { title: "NAME", cell: (agent) => agent.name },
  { title: "STATE", cell: (agent) => agent.state },
  { title: "TRANSPORT", cell: (agent) => agent.session?.transport ?? "-" },
  {
    title: "SESSION",
    cell: (agent) => (agent.session === undefined ? "-" : formatDuration(agent.session.ageMs)),
  },
  { title: "PENDING", cell: (agent) => String(agent.pending) },
  { title: "DEAD", cell: (agent) => String(agent.deadLetters) },
  { title: "REASON", cell: (agent) => agent.reason },
];

export const resourceColumns: readonly Column<Resource>[] = [
  { title: "AGENT", cell: (resource) => resource.agent },
  { title: "KIND", cell: (resource) => resource.kind },
  { title: "NAME", cell: (resource) => resource.name },
  { title: "VERSION", cell: (resource) => resource.version },
  { title: "STATE", cell: (resource) => resource.state },
  { title: "OBSERVED", cell: (resource) => resource.observedVersion ?? "-" },
  { title: "STATUS", cell: (resource) => summary(resource.status) },
];

/** The `state` of a status that has one, as the built-in handlers' do; otherwise its beginning. */
function summary(status: Resource["status"]): string {
  if (status === undefined || status === null) return "-";
  if (typeof status === "object" && !Array.isArray(status) && typeof status.state === "string")
    return status.state;
  const text = JSON.stringify(status);
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}
