import { usageError } from "../exit-codes.js";
import type { Terminal } from "../terminal.js";
import { evaluate } from "./jsonpath/evaluate.js";
import { parseTemplate, type Piece } from "./jsonpath/parse-template.js";
import { printManifests, type Specified } from "./manifests.js";
import type { ExtractName } from "./output-format.js";

/** What is taken out of what was found, instead of showing all of it. */
export type Extract =
  | { readonly kind: "name" }
  | { readonly kind: "manifest" }
  | { readonly kind: "jsonpath"; readonly template: readonly Piece[] };

/** How things of one kind are told. */
export interface Extractable<Row> {
  readonly nameOf: (row: Row) => string;
  /** Absent where there is nothing that could be applied. */
  readonly specOf?: (row: Row) => Specified;
}

/** Before anything is asked for: a wrong path is told at once. @throws CommandError (usage) */
export function parseExtract(name: ExtractName): Extract {
  if (name === "name" || name === "manifest") return { kind: name };
  return { kind: "jsonpath", template: parseTemplate(name.slice("jsonpath=".length)) };
}

/**
 * Prints it. A path is held against what `--output json` prints: a list, or one thing.
 *
 * @throws CommandError (usage) for manifests of what has none; what `evaluate` throws
 */
export function printExtract<Row>(
  terminal: Terminal,
  extract: Extract,
  found: { readonly list: readonly Row[] } | { readonly one: Row },
  { nameOf, specOf }: Extractable<Row>,
): void {
  const rows = "list" in found ? found.list : [found.one];
  switch (extract.kind) {
    case "name":
      for (const row of rows) terminal.out(nameOf(row));
      return;
    case "manifest":
      if (specOf === undefined) throw usageError("manifests are of resources; 'hawser export' prints them");
      printManifests(terminal, "table", rows.map(specOf));
      return;
    case "jsonpath": {
      const text = evaluate(extract.template, "list" in found ? found.list : found.one);
      // Its own newline at the end is the one of the line.
      if (text !== "") terminal.out(text.replace(/\n$/, ""));
      return;
    }
  }
}
