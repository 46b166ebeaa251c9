import { LineCounter, parseDocument } from "yaml";
import { HawserError } from "@hawser/protocol";

/**
 * Reads a YAML or JSON settings file: one mapping, keys in camel case.
 * @throws HawserError `invalid_config` with file, line and column
 */
export function parseSettingsFile(content: string, file: string): ReadonlyMap<string, unknown> {
  const lines = new LineCounter();
  const document = parseDocument(content, { lineCounter: lines, prettyErrors: false });
  const [problem] = document.errors;
  if (problem !== undefined) {
    const { line, col } = lines.linePos(problem.pos[0]);
    throw new HawserError("invalid_config", `${file}:${line}:${col}: ${problem.message}`, { cause: problem });
  }
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  if (value === null || value === undefined) return new Map();
  if (typeof value !== "object" || Array.isArray(value)) {
    throw new HawserError(
      "invalid_config",
      `${file}: must hold names and values, such as 'dataDir: /var/lib/hawser'`,
    );
  }
  return new Map(Object.entries(value));
}
