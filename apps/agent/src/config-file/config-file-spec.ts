import { HawserError, type JsonValue } from "@hawser/protocol";
import { z } from "zod";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const schema = z.strictObject({
  path: z.string().min(1).max(1024),
  content: z.string().optional(),
  contentBase64: z.string().regex(BASE64, "must be base64 with padding (RFC 4648)").optional(),
  mode: z
    .string()
    .regex(/^0?[0-7]{3}$/, 'must be three octal digits such as "0644"')
    .default("0644"),
});

/** What a ConfigFile shall be, checked. */
export interface ConfigFileSpec {
  /** Segments of a relative path; none is empty, `.` or `..`. */
  readonly segments: readonly string[];
  readonly content: Uint8Array;
  /** Permission bits; setuid, setgid and sticky cannot be asked for. */
  readonly mode: number;
}

/** @throws HawserError `handler_rejected` saying what is wrong and what to put */
export function parseConfigFileSpec(spec: JsonValue, maxBytes: number): ConfigFileSpec {
  const parsed = schema.safeParse(spec);
  if (!parsed.success) throw rejected(z.prettifyError(parsed.error).replaceAll("\n", " "));
  const { path, content, contentBase64, mode } = parsed.data;
  if ((content === undefined) === (contentBase64 === undefined)) {
    throw rejected("give either `content` (text) or `contentBase64` (bytes)");
  }
  const bytes =
    content === undefined ? Buffer.from(contentBase64 ?? "", "base64") : Buffer.from(content, "utf8");
  if (bytes.byteLength > maxBytes) {
    throw rejected(`the content has ${bytes.byteLength} bytes; ${maxBytes} are allowed`);
  }
  return { segments: parsePath(path), content: bytes, mode: Number.parseInt(mode, 8) };
}

function parsePath(path: string): readonly string[] {
  if (path.startsWith("/") || path.includes("\\") || path.includes("\0")) {
    throw rejected(
      `\`path\` ${JSON.stringify(path)} must be relative to the allowed root, with forward slashes`,
    );
  }
  const segments = path.split("/");
  for (const segment of segments) {
    if (segment === "" || segment === "." || segment === "..") {
      throw rejected(`\`path\` ${JSON.stringify(path)} must not contain empty, \`.\` or \`..\` segments`);
    }
    if (Buffer.byteLength(segment) > 255) {
      throw rejected("`path` has a segment of more than 255 bytes");
    }
  }
  return segments;
}

export function rejected(message: string): HawserError {
  return new HawserError("handler_rejected", `ConfigFile: ${message}`);
}
