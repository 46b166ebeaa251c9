import { HawserError, type JsonValue } from "@hawser/protocol";
import { z } from "zod";

/** What a spec without a mode gets, as far as the agent allows. */
const DEFAULT_MODE = 0o644;

/** The names of our own temporary files: whoever had one as a path would have it replaced and removed by another resource's write. */
const RESERVED_NAME = /^\.hawser-[0-9a-f]{16}\.tmp$/;

/** What the operator of the agent allows every ConfigFile. */
export interface ConfigFileLimits {
  readonly maxBytes: number;
  /** Permission bits that may be given. */
  readonly maxMode: number;
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const MODE_FORMAT = 'three octal digits in quotes such as "0644"';

const schema = z.strictObject({
  path: z.string().min(1).max(1024),
  content: z.string().optional(),
  contentBase64: z.string().regex(BASE64, "must be base64 with padding (RFC 4648)").optional(),
  mode: z
    .string(`must be text: ${MODE_FORMAT}; without quotes it is a number`)
    .regex(/^0?[0-7]{3}$/, `must be ${MODE_FORMAT}`)
    .optional(),
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
export function parseConfigFileSpec(
  spec: JsonValue,
  { maxBytes, maxMode }: ConfigFileLimits,
): ConfigFileSpec {
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
  return { segments: parsePath(path), content: bytes, mode: parseMode(mode, maxMode) };
}

function parseMode(mode: string | undefined, maxMode: number): number {
  if (mode === undefined) return DEFAULT_MODE & maxMode;
  const bits = Number.parseInt(mode, 8);
  if ((bits & ~maxMode) === 0) return bits;
  const allowed = maxMode.toString(8).padStart(4, "0");
  throw rejected(`mode ${JSON.stringify(mode)} gives more than this agent allows, which is "${allowed}"`);
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
    if (RESERVED_NAME.test(segment)) {
      throw rejected(`\`path\` must not contain ${segment}: such names are of this agent's own files`);
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
