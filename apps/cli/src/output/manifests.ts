import type { Resource } from "../api/schemas.js";
import type { Terminal } from "../terminal.js";
import { isForPeople, type OutputFormat } from "./output-format.js";
import { printList } from "./print.js";
import { yamlText } from "./yaml-text.js";

export type Specified = Pick<Resource, "agent" | "kind" | "name" | "spec" | "state">;

/** Prints what `apply` takes back: documents for people, a list for programs. What is being deleted is not wanted any more. */
export function printManifests(
  terminal: Terminal,
  output: OutputFormat,
  resources: readonly Specified[],
): void {
  const manifests = resources
    .filter(({ state }) => state !== "deleting")
    .map(({ agent, kind, name, spec }) => ({ agent, kind, name, spec }));
  if (!isForPeople(output)) printList(terminal, output, manifests, [], "");
  else for (const manifest of manifests) terminal.out(`---\n${yamlText(manifest)}`);
  if (manifests.length === 0) terminal.err("nothing to export");
}
