import type { ApiClient } from "../api-client.js";
import { printList, printOne, type OutputFormat } from "../output.js";
import { parseReference } from "../resource-reference.js";
import type { Terminal } from "../terminal.js";
import { resourceColumns } from "./columns.js";

/** One resource, or all of an agent. */
export async function get(
  client: ApiClient,
  terminal: Terminal,
  reference: string,
  format: OutputFormat,
): Promise<void> {
  const target = parseReference(reference);
  if (target.scope === "resource") {
    printOne(terminal, format, await client.get(target.agent, target.kind, target.name), resourceColumns);
    return;
  }
  printList(
    terminal,
    format,
    await client.list(target.agent),
    resourceColumns,
    `no resources for agent ${target.agent}`,
  );
}
