import { escapedJson } from "@hawser/runtime";
import { Document, isScalar, Scalar, visit, type ToStringOptions } from "yaml";

/** YAML without the newline at its end. Strings keep their value, as in `jsonText`: such a string is in double quotes, where YAML has the escapes of JSON. */
export function yamlText(value: unknown, options: YamlOptions = {}): string {
  const document = new Document(value, options);
  visit(document, {
    Scalar(_key, node) {
      if (isObeyed(node.value)) node.type = Scalar.QUOTE_DOUBLE;
    },
    Pair(_key, pair) {
      if (!isScalar(pair.key) && isObeyed(pair.key)) pair.key = new Scalar(pair.key);
    },
  });
  return escapedJson(document.toString({ lineWidth: 80, ...options })).trimEnd();
}

export interface YamlOptions extends Pick<ToStringOptions, "lineWidth"> {
  readonly sortMapEntries?: boolean;
}

function isObeyed(value: unknown): boolean {
  return typeof value === "string" && escapedJson(value) !== value;
}
