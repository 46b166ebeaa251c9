/** Groups of an IPv6 address that name one site: a /64. */
const NETWORK_GROUPS = 4;

/**
 * The source an address counts for: an IPv4 address itself, an IPv6 address by its /64 (RFC 4291,
 * section 2.5.4), since one machine may take any address in it.
 *
 * @param address `host:port` as a listener names a peer, IPv6 in brackets; anything else is a source of its own
 */
export function sourceOf(address: string): string {
  const host = address.startsWith("[")
    ? address.slice(1, Math.max(1, address.lastIndexOf("]")))
    : address.slice(0, Math.max(0, address.lastIndexOf(":"))) || address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host);
  if (mapped?.[1] !== undefined) return mapped[1];
  return host.includes(":") ? `${network(host)}::/64` : host;
}

function network(host: string): string {
  const [head = "", tail] = host.replace(/%.*$/, "").split("::");
  const first = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - first.length - last.length);
  const groups = [...first, ...Array.from({ length: zeros }, () => "0"), ...last];
  return groups
    .slice(0, NETWORK_GROUPS)
    .map((group) => group.toLowerCase().replace(/^0+(?=.)/, ""))
    .join(":");
}
