import { z } from "zod";

/** What a schema is called in the OpenAPI document, and what people read about it. */
interface SchemaNote {
  readonly id?: string;
  readonly description?: string;
}

// A registry of our own: zod's global one would clash with the names of whoever mounts this API.
const notes = z.registry<SchemaNote>();

/** Gives a schema a place of its own in the document, which others refer to. */
export function named<Schema extends z.ZodType>(id: string, description: string, schema: Schema): Schema {
  notes.add(schema, { id, description });
  return schema;
}

export function about<Schema extends z.ZodType>(description: string, schema: Schema): Schema {
  notes.add(schema, { description });
  return schema;
}

/** JSON Schema 2020-12, as OpenAPI 3.1 takes it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * Turns schemas into JSON Schema, and collects those that have a name.
 *
 * Answers may grow members, so clients are not told that there are no others; what a request may hold is closed.
 */
export class SchemaCollection {
  readonly #named = new Map<string, JsonSchema>();

  of(schema: z.ZodType, use: "request" | "answer"): JsonSchema {
    // In an envelope, so that a schema with a name comes out as a reference to it.
    const envelope = z.toJSONSchema(z.object({ it: schema }), {
      metadata: notes,
      unrepresentable: "any",
      override: ({ jsonSchema }) => {
        if (use === "answer" && jsonSchema.additionalProperties === false) {
          delete jsonSchema.additionalProperties;
        }
      },
    });
    const { properties, $defs } = JSON.parse(
      JSON.stringify(envelope).replaceAll('"#/$defs/', '"#/components/schemas/'),
    ) as { properties: { it: JsonSchema }; $defs?: Record<string, JsonSchema> };
    for (const [id, { id: _id, ...definition }] of Object.entries($defs ?? {})) {
      this.#named.set(id, definition);
    }
    return properties.it;
  }

  named(): Record<string, JsonSchema> {
    return Object.fromEntries([...this.#named].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
