/** A `content-type` in parts, in lower case. */
export interface MediaType {
  /** `type/subtype`; empty when there is none. */
  readonly essence: string;
  readonly charset: string | undefined;
}

const CHARSET = /^charset=(?:"([^"]*)"|(.*))$/;
const JSON_ESSENCE = /^(?:application|text)\/json$|^[^/]+\/[^/]+\+json$/;

export function parseMediaType(header: string | null): MediaType {
  const [essence = "", ...parameters] = (header ?? "").toLowerCase().split(";");
  for (const parameter of parameters) {
    const match = CHARSET.exec(parameter.trim());
    if (match !== null) return { essence: essence.trim(), charset: match[1] ?? match[2] };
  }
  return { essence: essence.trim(), charset: undefined };
}

export function isJson({ essence }: MediaType): boolean {
  return JSON_ESSENCE.test(essence);
}

/** True for text that a string keeps without loss, if its bytes are UTF-8. */
export function isUtf8Text({ essence, charset }: MediaType): boolean {
  return essence.startsWith("text/") && isUtf8(charset);
}

export function isUtf8(charset: string | undefined): boolean {
  return charset === undefined || charset === "utf-8" || charset === "utf8" || charset === "us-ascii";
}
