import { HawserError } from "@hawser/protocol";
import { getPath } from "hono/utils/url";

/** Segments of characters that nobody has to encode (RFC 3986, section 2.3), so that there is one way to write it. */
const BASE_PATH = /^(?:\/[A-Za-z0-9._~-]+)*\/?$/;

/** @returns without a slash at its end. @throws HawserError `invalid_config` */
export function resolveBasePath(basePath = ""): string {
  const dots = basePath.split("/").some((segment) => segment === "." || segment === "..");
  if (BASE_PATH.test(basePath) && !dots) return basePath.replace(/\/$/, "");
  throw new HawserError(
    "invalid_config",
    `basePath must be like "/control/hawser", of letters, digits and . _ ~ -, not ${JSON.stringify(basePath)}`,
  );
}

/** Whether a path is that of the API or below it. */
export function isBelow(basePath: string, path: string): boolean {
  return path === basePath || path.startsWith(`${basePath}/`);
}

/** Reads the path of a request as the API's own, without what precedes it. One that is not below it leads nowhere. */
export function pathBelow(basePath: string): (request: Request) => string {
  if (basePath === "") return getPath;
  return (request) => {
    const path = getPath(request);
    if (!isBelow(basePath, path)) return NOWHERE;
    return path === basePath ? "/" : path.slice(basePath.length);
  };
}

/** No route has it, and no request can: there is no such segment left in a URL that was parsed. */
export const NOWHERE = "/..";

/** Where the documentation is, relative to the address that was asked, so that it is right behind a proxy that shortens paths as well. */
export function relativeDocs(basePath: string, pathname: string): string {
  const own = basePath.split("/").at(-1) ?? "";
  return own !== "" && pathname.endsWith(`/${own}`) ? `${own}/docs` : "docs";
}
