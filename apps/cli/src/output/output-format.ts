import { InvalidArgumentError } from "commander";

/** `table` and `wide` for people; the others for programs, where a change of shape is a breaking change. */
export const OUTPUT_FORMATS = ["table", "wide", "json", "jsonl", "yaml"] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** What is taken out of agents and resources: their names, manifests that `apply` takes back, or what a path behind the `=` leads to. */
export const EXTRACTS = ["name", "manifest", "jsonpath="] as const;
export type ExtractName = "name" | "manifest" | `jsonpath=${string}`;

/** True for the formats people read. */
export function isForPeople(format: OutputFormat): format is "table" | "wide" {
  return format === "table" || format === "wide";
}

export function isOutputFormat(text: string): text is OutputFormat {
  return OUTPUT_FORMATS.some((format) => format === text);
}

function isExtractName(text: string): text is ExtractName {
  return text === "name" || text === "manifest" || text.startsWith("jsonpath=");
}

/** The value of `--output`. */
export function parseOutput(text: string): OutputFormat | ExtractName {
  if (isOutputFormat(text) || isExtractName(text)) return text;
  throw new InvalidArgumentError(
    `Allowed choices are ${OUTPUT_FORMATS.join(", ")}, and for get and agents name, manifest, jsonpath=PATH.`,
  );
}
