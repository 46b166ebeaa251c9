/** `table` and `wide` for people; the others for programs, where a change of shape is a breaking change. */
export const OUTPUT_FORMATS = ["table", "wide", "json", "jsonl", "yaml"] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** True for the formats people read. */
export function isForPeople(format: OutputFormat): format is "table" | "wide" {
  return format === "table" || format === "wide";
}
