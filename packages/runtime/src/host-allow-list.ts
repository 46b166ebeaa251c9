/** Which hosts a request may name, and which pages may ask for it. */
export interface HostAllowList {
  /**
   * Host names and addresses that `Host` may have, without a port; loopback names always pass. `*.example.org` stands for every name below `example.org`.
   * "any": whatever it has, for a port that others reach by names nobody can list.
   */
  readonly hosts: "any" | readonly string[];
  /** Origins of pages that may ask, such as `https://console.example.org`; all others are refused. */
  readonly origins: readonly string[];
}

/** The parts of a request that tell from where it was made. */
export interface RequestSource {
  readonly host: string | undefined;
  readonly origin: string | undefined;
}

/**
 * The list of a port. Bound to loopback, only loopback names and those listed pass: a page of elsewhere whose name was made to point here (DNS rebinding) still sends its
 * own name. Bound beyond loopback, clients come by whatever name a load balancer or a DNS server gives them, so every name passes unless some are listed.
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
 * Why a request is refused, in words for whoever sent it; undefined when it is not. A client that is no browser sends no `Origin`; one that sends no `Host` (HTTP/1.0) is
 * none either.
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

/** `localhost` and names below it (RFC 6761, section 6.3), 127.0.0.0/8 and ::1. Takes what `hostNameOf` answers, or an address that a port is bound to. */
export function isLoopbackHost(host: string): boolean {
  const name = hostNameOf(host.includes("::") && !host.startsWith("[") ? `[${host}]` : host);
  return /^(?:127(?:\.\d{1,3}){3}|::1|(?:[a-z0-9-]+\.)*localhost)$/.test(name);
}

/** The host of a `Host` header: without its port, without brackets, in lower case, without the dot that ends an absolute name. */
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
