/** The first nghttp2 that an anonymous peer cannot abort with a few bytes (CVE-2026-27135). */
const SAFE_NGHTTP2 = [1, 68, 1] as const;

/** Whether this Node may serve HTTP/2 to unknown peers. */
export type Http2Safety =
  | { readonly kind: "safe" }
  /** `message` names the risk and the safe versions. */
  | { readonly kind: "unsafe"; readonly message: string };

/**
 * An nghttp2 older than 1.68.1 aborts on an assertion in C when a client sends a frame of a wrong
 * size after GOAWAY. JavaScript cannot prevent that.
 * @param versions `process.versions`
 */
export function http2Safety(versions: Readonly<Record<string, string | undefined>>): Http2Safety {
  const { nghttp2, node } = versions;
  if (nghttp2 === undefined || isAtLeast(nghttp2, SAFE_NGHTTP2)) return { kind: "safe" };
  return {
    kind: "unsafe",
    message: `a few bytes from anybody end this process over HTTP/2 (gRPC): Node ${node ?? "?"} has nghttp2 ${nghttp2}; good are Node 22.23, 24.21 and newer`,
  };
}

function isAtLeast(version: string, least: readonly number[]): boolean {
  const parts = version.split(".").map((part) => Number.parseInt(part, 10));
  for (const [index, wanted] of least.entries()) {
    const part = parts[index] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}
