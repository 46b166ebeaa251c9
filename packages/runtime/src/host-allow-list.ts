/** The hosts a request may name, and the origins of pages that may send one. */
export interface HostAllowList {
  /**
   * Allowed `Host` values without a port; loopback names always pass. `*.example.org` allows every
   * name below `example.org`. "any" is for a port with unpredictable names.
   */
  readonly hosts: "any" | readonly string[];
  /** Allowed origins of pages, such as `https://console.example.org`. */
  readonly origins: readonly string[];
}

/** The headers that tell where a request comes from. */
export interface RequestSource {
  readonly host: string | undefined;
  readonly origin: string | undefined;
}

/**
 * The list of a port. Bound to loopback, only loopback and listed names pass, because a page that
 * points its own name here (DNS rebinding) still sends that name. Bound elsewhere, every name
 * passes unless some are listed, because load balancers and DNS choose the names.
 */
export function hostAllowList(
  boundHost: string,
  {
    hosts,
    origins = [],
  }: { readonly hosts?: readonly string[] | undefined; readonly origins?: readonly string[] | undefined },
): HostAllowList {
  if (hosts === undefined) return { hosts: isLoopbackHost(boundHost) ? [] : "any", origins };
  return { hosts: [...hosts, boundHost], origins };
}

/**
 * The header that refuses a request; undefined for none. Clients that are no browser send no
 * `Origin`, and HTTP/1.0 clients no `Host`.
 */
export function refusedSource(
  { hosts, origins }: HostAllowList,
  { host, origin }: RequestSource,
): "host" | "origin" | undefined {
  if (hosts !== "any" && host !== undefined && !isListed(hosts, hostNameOf(host))) return "host";
  if (origin !== undefined && !origins.some((each) => each.toLowerCase() === origin.toLowerCase()))
    return "origin";
  return undefined;
}

/**
 * True for `localhost`, names below it (RFC 6761, section 6.3), 127.0.0.0/8 and ::1. Takes a result
 * of `hostNameOf` or a bound address.
 */
export function isLoopbackHost(host: string): boolean {
  const name = hostNameOf(host.includes("::") && !host.startsWith("[") ? `[${host}]` : host);
  return /^(?:127(?:\.\d{1,3}){3}|::1|(?:[a-z0-9-]+\.)*localhost)$/.test(name);
}

/** The host of a `Host` header in lower case, without port, brackets and final dot. */
export function hostNameOf(authority: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(authority.trim()) ?? [];
  return (bracketed ?? plain ?? "").toLowerCase().replace(/\.$/, "");
}

function isListed(hosts: readonly string[], name: string): boolean {
  return (
    isLoopbackHost(name.includes(":") ? `[${name}]` : name) ||
    hosts.some((each) => covers(each.toLowerCase(), name))
  );
}

function covers(listed: string, name: string): boolean {
  return listed.startsWith("*.")
    ? name.endsWith(listed.slice(1)) && name.length > listed.length - 1
    : listed === name;
}
