import { CommandError, EXIT_CODES } from "./exit-codes.js";

/** `agent`, or `agent/Kind/name`: how a person points at things on the command line. */
export type ResourceReference =
  | { readonly scope: "agent"; readonly agent: string }
  | { readonly scope: "resource"; readonly agent: string; readonly kind: string; readonly name: string };

export function parseReference(text: string): ResourceReference {
  const [agent, kind, name, ...rest] = text.split("/");
  if (agent !== undefined && agent !== "" && kind === undefined) return { scope: "agent", agent };
  if (agent && kind && name && rest.length === 0) return { scope: "resource", agent, kind, name };
  throw new CommandError(
    EXIT_CODES.usage,
    `'${text}' names nothing; write AGENT or AGENT/KIND/NAME, such as edge-1/ConfigFile/motd`,
  );
}
