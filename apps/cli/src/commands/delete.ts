import type { ApiClient } from "../api-client.js";
import { CommandError, EXIT_CODES } from "../exit-codes.js";
import { printOne, type OutputFormat } from "../output.js";
import { parseReference } from "../resource-reference.js";
import type { Terminal } from "../terminal.js";
import { resourceColumns } from "./columns.js";

/** Accepts the delete; the resource is gone once its agent acknowledged it. */
export async function deleteResource(
  client: ApiClient,
  terminal: Terminal,
  reference: string,
  format: OutputFormat,
): Promise<void> {
  const target = parseReference(reference);
  if (target.scope !== "resource") {
    throw new CommandError(
      EXIT_CODES.usage,
      `'${reference}' is an agent; name one resource as AGENT/KIND/NAME`,
    );
  }
  const resource = await client.delete(target.agent, target.kind, target.name);
  if (format === "table") terminal.out(`${reference} delete accepted, version ${resource.version}`);
  else printOne(terminal, format, resource, resourceColumns);
}
