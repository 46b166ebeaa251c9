import { numberProblem } from "@hawser/protocol";
import { type Document, LineCounter, parseAllDocuments, visit } from "yaml";
import { z } from "zod";
import { CommandError, EXIT_CODES } from "../exit-codes.js";

/** One resource as a person writes it down. */
export interface Manifest {
  readonly agent: string;
  readonly kind: string;
  readonly name: string;
  readonly spec: unknown;
  /** File and line, for messages. */
  readonly place: string;
}

// A spec is what JSON can say; YAML can say more, and that is refused.
const manifestSchema = z.strictObject({
  agent: z.string().min(1),
  kind: z.string().min(1),
  name: z.string().min(1),
  spec: z.json(),
});

/**
 * Reads every document of a YAML (or JSON) text. Nothing is applied unless all of it is right.
 *
 * @throws CommandError (usage) naming file, line and what to change
 */
export function parseManifests(text: string, file: string): readonly Manifest[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  if (!Array.isArray(documents)) return [];
  const manifests: Manifest[] = [];
  for (const document of documents) {
    const [problem] = document.errors;
    if (problem !== undefined) {
      const { line, col } = lines.linePos(problem.pos[0]);
      throw new CommandError(EXIT_CODES.usage, `${file}:${line}:${col}: ${problem.message}`, {
        cause: problem,
      });
    }
    checkNumbers(document, (offset, what) => {
      const { line, col } = lines.linePos(offset);
      throw new CommandError(EXIT_CODES.usage, `${file}:${line}:${col}: ${what}`);
    });
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    if (value === null || value === undefined) continue;
    const start = document.contents?.range?.[0] ?? document.range[0];
    manifests.push(check(value, `${file}:${lines.linePos(start).line}`));
  }
  return manifests;
}

/** A number that a double cannot keep would be applied as another one. */
function checkNumbers(document: Document, refuse: (offset: number, what: string) => never): void {
  visit(document, {
    Scalar(_key, { value, source, range }) {
      if (typeof value !== "number" || source === undefined) return;
      const what = numberProblem(decimal(source));
      if (what !== undefined) refuse(range?.[0] ?? 0, what);
    },
  });
}

/** YAML has integers in hexadecimal and octal, too, and numbers with a plus. */
function decimal(source: string): string {
  return /^0[xo]/.test(source) ? String(BigInt(source)) : source.replace(/^\+/, "");
}

function check(value: unknown, place: string): Manifest {
  const parsed = manifestSchema.safeParse(value);
  if (parsed.success) return { ...parsed.data, place };
  const problems = parsed.error.issues.map((issue) => {
    const where = issue.path.join(".");
    return where === "" ? issue.message : `${where}: ${issue.message}`;
  });
  throw new CommandError(
    EXIT_CODES.usage,
    `${place}: not a manifest (${problems.join("; ")}); a manifest has agent, kind, name and spec`,
  );
}
