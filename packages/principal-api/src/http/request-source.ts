import { hostAllowList, refusedSource, type HostAllowList } from "@hawser/runtime";
import type { MiddlewareHandler } from "hono";
import { HttpError } from "@hawser/http-binding";

/**
 * Keeps web pages out. A page whose name was made to point here (DNS rebinding) sends that name as `Host`: only names that are listed are answered, reads included. A page of another origin may send requests
 * but not read the answers, so it may not change anything: its `Origin` has to be that of the host it asks.
 */
export function refuseForeignPages(hosts: HostAllowList): MiddlewareHandler {
  return async (context, next) => {
    const host = context.req.header("host");
    // The API's own pages may ask, by whichever name they were asked for.
    const own = {
      hosts: hosts.hosts,
      origins: host === undefined ? [] : [`http://${host}`, `https://${host}`],
    };
    const reads = context.req.method === "GET" || context.req.method === "HEAD";
    const origin = reads ? undefined : context.req.header("origin");
    const refused = refusedSource(own, { host, origin });
    if (refused === "host") {
      throw new HttpError(
        421,
        "forbidden",
        "this API is not asked by that Host; use an address or a name it knows, or add the name (--allow-hosts)",
      );
    }
    // Older browsers send no Origin with some requests that change things, but tell what asks.
    const site = reads ? undefined : context.req.header("sec-fetch-site");
    if (refused === "origin" || site === "cross-site" || site === "same-site")
      throw new HttpError(403, "forbidden", "a page of another origin may not change anything here");
    await next();
  };
}

/** The names an API may be asked by: see `hostAllowList`; one that is mounted elsewhere leaves that to whatever serves it. */
export function apiHosts(boundHost: string | undefined, hosts: readonly string[] | undefined): HostAllowList {
  if (boundHost === undefined && hosts === undefined) return { hosts: "any", origins: [] };
  return hostAllowList(boundHost ?? "localhost", { hosts });
}
