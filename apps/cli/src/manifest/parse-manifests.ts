import { checkAgentName, HawserError, numberProblem, subjectOf } from "@hawser/protocol";
import { type Document, isNode, isSeq, LineCounter, parseAllDocuments, visit } from "yaml";
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

/** A field as a message calls it, when it is not there or not what it has to be. */
const text = z.string({ error: ({ input }) => (input === undefined ? "is missing" : "must be text") });

// A spec is what JSON can say; YAML can say more, and that is refused.
const manifestSchema = z.strictObject(
  {
    agent: text,
    kind: text,
    name: text,
    spec: z.json(),
  },
  {
    error: (issue) =>
      issue.code === "unrecognized_keys" ? `${issue.keys.join(", ")}: not known here` : "it is no map",
  },
);

/**
 * Reads every document of a YAML (or JSON) text: a manifest, or a list of them. Nothing is applied unless all of it is right.
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
    const place = (start: number | undefined): string =>
      `${file}:${lines.linePos(start ?? document.range[0]).line}`;
    manifests.push(...checkAll(value, document, place));
  }
  return manifests;
}

/** @param place of what begins at this offset, for messages */
function checkAll(
  value: unknown,
  { contents }: ReturnType<typeof parseAllDocuments>[number],
  place: (start: number | undefined) => string,
): readonly Manifest[] {
  if (!Array.isArray(value)) return [check(value, place(contents?.range?.[0]))];
  const items: readonly unknown[] = isSeq(contents) ? contents.items : [];
  return value.map((item: unknown, n) => {
    const node = items[n];
    return check(item, place(isNode(node) ? node.range?.[0] : contents?.range?.[0]));
  });
}

/** A number that a double cannot keep would be applied as another one. */
function checkNumbers(document: Document, refuse: (offset: number, what: string) => never): void {
  visit(document, {
    Scalar(_key, { value, source, range }) {
      if (typeof value !== "number" || source === undefined) return;
      const what = leadingZero(source) ?? numberProblem(decimal(source));
      if (what !== undefined) refuse(range?.[0] ?? 0, what);
    },
  });
}

/** `mode: 0644` is octal to people, to tools, and to YAML 1.1; to YAML 1.2 it is 644, and a post code without its zero is another one. Nobody means that. */
function leadingZero(source: string): string | undefined {
  if (!/^[-+]?0\d/.test(source)) return undefined;
  return `${source} without quotes is the number ${Number(source)} in YAML; write "${source}"`;
}

/** YAML has integers in hexadecimal and octal, too, and numbers with a plus. */
function decimal(source: string): string {
  return /^0[xo]/.test(source) ? String(BigInt(source)) : source.replace(/^\+/, "");
}

function check(value: unknown, place: string): Manifest {
  const parsed = manifestSchema.safeParse(value);
  if (parsed.success) {
    checkNames(parsed.data, place);
    return { ...parsed.data, place };
  }
  const problems = parsed.error.issues.map(({ path, message }) => {
    // Of a union, which JSON is, the message says nothing.
    const isSpec = path[0] === "spec";
    return isSpec ? `spec ${specProblem(value)}` : [...path, message].join(" ");
  });
  throw new CommandError(
    EXIT_CODES.usage,
    `${place}: not a manifest (${problems.join("; ")}); a manifest has agent, kind, name and spec`,
  );
}

function specProblem(value: unknown): string {
  const isMissing = typeof value === "object" && value !== null && !Object.hasOwn(value, "spec");
  return isMissing ? "is missing" : "must be what JSON can say";
}

/** What the principal would refuse, told with its place and before anything is applied. */
function checkNames({ agent, kind, name }: Omit<Manifest, "place">, place: string): void {
  try {
    checkAgentName(agent);
    subjectOf(kind, name);
  } catch (thrown) {
    if (!(thrown instanceof HawserError)) throw thrown;
    throw new CommandError(EXIT_CODES.usage, `${place}: ${thrown.message}`, { cause: thrown });
  }
}
