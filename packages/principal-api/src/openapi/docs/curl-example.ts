import type { OpenApiOperation } from "../openapi-document.js";

export interface CurlTarget {
  readonly method: string;
  /** With its parameters in braces. */
  readonly path: string;
  readonly operation: OpenApiOperation;
  /** A token has to be shown. */
  readonly secured: boolean;
}

const MAX_LINE = 60;

/** What stands for the parameters of a path. */
const PARAMETERS: Readonly<Record<string, string>> = {
  agent: "edge-1",
  kind: "ConfigFile",
  name: "motd",
  eventid: "1",
};

/** Commands that do it, to be pasted into a shell: one for each kind of body there is an example of. */
export function curlExamples(target: CurlTarget): readonly string[] {
  const bodies = Object.entries(target.operation.requestBody?.content ?? {}).flatMap(([type, { example }]) =>
    example === undefined ? [] : [{ type, example }],
  );
  return bodies.length === 0 ? [command(target, undefined)] : bodies.map((body) => command(target, body));
}

interface ExampleBody {
  readonly type: string;
  readonly example: unknown;
}

function command({ method, path, operation, secured }: CurlTarget, body: ExampleBody | undefined): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => PARAMETERS[name] ?? name);
  const parts = [
    streams(operation) ? "curl --no-buffer" : "curl --include",
    ...(method === "GET" ? [] : [`--request ${method}`]),
    ...(secured ? ['--header "authorization: Bearer $TOKEN"'] : []),
    ...(body === undefined
      ? []
      : [`--header ${quoted(`content-type: ${body.type}`)}`, `--data ${quoted(jsonText(body.example))}`]),
    `"$API${filled}"`,
  ];
  return parts.join(" \\\n  ");
}

/** On one line if it is short. */
function jsonText(value: unknown): string {
  const line = JSON.stringify(value);
  return line.length <= MAX_LINE ? line : JSON.stringify(value, undefined, 2);
}

function streams({ responses }: OpenApiOperation): boolean {
  return responses["200"]?.content?.["text/event-stream"] !== undefined;
}

/** One word of a shell, whatever is in it. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
