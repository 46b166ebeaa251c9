import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";

/** What the command line promises to print for programs (schema/output.json), by command. */
export async function outputContract(): Promise<Readonly<Record<string, z.ZodType>>> {
  const path = fileURLToPath(new URL("../../apps/cli/schema/output.json", import.meta.url));
  const contract = z.record(z.string(), z.json()).parse(JSON.parse(await readFile(path, "utf8")));
  return Object.fromEntries(
    Object.entries(contract).map(([command, schema]) => [
      command,
      z.fromJSONSchema(z.custom<z.core.JSONSchema.JSONSchema>().parse(schema)),
    ]),
  );
}
