import { usageError } from "./exit-codes.js";

/** What names a resource. */
export interface ResourceName {
  readonly agent: string;
  readonly kind: string;
  readonly name: string;
}

/** `agent`, or `agent/Kind/name`: how a person points at things on the command line. */
export type ResourceReference =
  | { readonly scope: "agent"; readonly agent: string }
  | ({ readonly scope: "resource" } & ResourceName);

export function parseReference(text: string): ResourceReference {
  const [agent, kind, name, ...rest] = text.split("/");
  if (agent !== undefined && agent !== "" && kind === undefined) return { scope: "agent", agent };
  if (agent && kind && name && rest.length === 0) return { scope: "resource", agent, kind, name };
  throw usageError(`'${text}' names nothing; write AGENT or AGENT/KIND/NAME, such as edge-1/ConfigFile/motd`);
}

/** One resource, and nothing else. */
export function parseResource(text: string): ResourceName {
  const reference = parseReference(text);
  if (reference.scope === "resource") return reference;
  throw usageError(`'${text}' is an agent; name one resource as AGENT/KIND/NAME`);
}

/** A resource of an agent that is named apart. */
export interface ResourceInAgent {
  readonly kind: string;
  readonly name: string;
}

/** `Kind/name`. @throws CommandError (usage) */
export function parseResourceName(text: string): ResourceInAgent {
  const [kind, name, ...rest] = text.split("/");
  if (kind && name && rest.length === 0) return { kind, name };
  throw usageError(`'${text}' names no resource; write KIND/NAME, such as ConfigFile/motd`);
}

export function referenceOf({ agent, kind, name }: ResourceName): string {
  return `${agent}/${kind}/${name}`;
}
