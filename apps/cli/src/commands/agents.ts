import type { ApiClient } from "../api-client.js";
import { printList, type OutputFormat } from "../output.js";
import type { Terminal } from "../terminal.js";
import { agentColumns } from "./columns.js";

export async function agents(client: ApiClient, terminal: Terminal, format: OutputFormat): Promise<void> {
  printList(
    terminal,
    format,
    await client.agents(),
    agentColumns,
    "no agents yet; start one, or apply a manifest for one",
  );
}
