import type { JsonSchema } from "../api-schema.js";
import { html, prose, type Html } from "./html.js";

const REFERENCE = "#/components/schemas/";

/** Where a page shows a schema that has a name. */
export function schemaAnchor(name: string): string {
  return `schema-${name}`;
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function schemasOf(value: unknown): readonly JsonSchema[] {
  return Array.isArray(value) ? value.filter(isSchema) : [];
}

/** What kind of value it is, in a few words. */
export function typeOf(schema: JsonSchema): Html {
  const { $ref: reference, type } = schema;
  if (typeof reference === "string") {
    const name = reference.replace(REFERENCE, "");
    return html`<a href="#${schemaAnchor(name)}">${name}</a>`;
  }
  const choices = schemasOf(schema["anyOf"] ?? schema["oneOf"]);
  if (choices.length > 0) return joined(choices.map(typeOf));
  const [only] = schemasOf(schema["allOf"]);
  if (only !== undefined) return typeOf(only);
  if ("const" in schema) return html`<code>${JSON.stringify(schema["const"])}</code>`;
  const words: unknown = schema["enum"];
  if (Array.isArray(words))
    return joined(words.map((word: unknown) => html`<code>${JSON.stringify(word)}</code>`));
  if (type === "array")
    return html`list of ${isSchema(schema["items"]) ? typeOf(schema["items"]) : "anything"}`;
  if (typeof type !== "string") return html`anything`;
  return schema["format"] === "date-time" ? html`time` : html`${type}`;
}

function joined(choices: readonly Html[]): Html {
  return html`${choices.map((choice, index) => (index === 0 ? choice : html` or ${choice}`))}`;
}

/** The members of an object, those of objects in it too; nothing for any other schema. */
export function fieldsOf(schema: JsonSchema): Html | undefined {
  const inside = schema["type"] === "array" && isSchema(schema["items"]) ? schema["items"] : schema;
  const { properties, required } = inside;
  if (!isSchema(properties)) return undefined;
  const needed: readonly unknown[] = Array.isArray(required) ? required : [];
  const rows = Object.entries(properties).flatMap(([name, member]) =>
    isSchema(member) ? [field(name, member, needed.includes(name))] : [],
  );
  return html`<dl class="fields">${rows}</dl>`;
}

function field(name: string, schema: JsonSchema, required: boolean): Html {
  const { description, default: fallback } = schema;
  return html`<dt><code>${name}</code> <span class="type">${typeOf(schema)}${required ? "" : ", optional"}</span></dt>
<dd>${typeof description === "string" ? prose(description) : undefined}${
    fallback === undefined ? undefined : html` Default: <code>${JSON.stringify(fallback)}</code>.`
  }${fieldsOf(schema)}</dd>`;
}
