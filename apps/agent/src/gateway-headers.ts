import { HawserError } from "@hawser/protocol";
import { extraHeaderProblem } from "@hawser/transport";

/** A gateway wants one or two; more are a mistake. */
const MAX_HEADERS = 32;

/**
 * Reads a file of headers for gateways in front of the principal: `<name>: <value>` a line, `#`
 * begins a comment.
 *
 * @throws HawserError `invalid_config` naming file and line, never a value
 */
export function parseGatewayHeaders(content: string, file: string): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [index, raw] of content.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(.*)$/.exec(line) ?? [];
    const where = `${file}:${index + 1}`;
    if (name === undefined || value === undefined || value === "")
      throw new HawserError("invalid_config", `${where}: a line is '<name>: <value>'`);
    if (Object.hasOwn(headers, name.toLowerCase()))
      throw new HawserError("invalid_config", `${where}: ${name} is there twice`);
    const problem = extraHeaderProblem(name, value);
    if (problem !== undefined) throw new HawserError("invalid_config", `${where}: ${problem}`);
    headers[name.toLowerCase()] = value;
  }
  if (Object.keys(headers).length <= MAX_HEADERS) return headers;
  throw new HawserError("invalid_config", `${file}: more than ${MAX_HEADERS} headers`);
}
