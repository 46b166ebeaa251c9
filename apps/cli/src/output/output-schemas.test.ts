import { expect, it } from "vitest";
import { z } from "zod";
import { OUTPUT_SCHEMAS } from "./output-schemas.js";

it("is the contract in schema/output.json: change that file only on purpose (vitest -u writes it)", async () => {
  const entries = Object.entries(OUTPUT_SCHEMAS).map(([command, schema]) => [
    command,
    z.toJSONSchema(schema),
  ]);
  const text = `${JSON.stringify(Object.fromEntries(entries), undefined, 2)}\n`;
  await expect(text).toMatchFileSnapshot("../../schema/output.json");
});
