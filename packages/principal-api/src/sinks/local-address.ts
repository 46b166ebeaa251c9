import { BlockList, isIP } from "node:net";

/**
 * Addresses of this machine and its link, where services listen that trust whoever reaches them, such as the metadata of a cloud: loopback, link-local, unspecified, broadcast
 * and multicast (RFC 6890, RFC 4291).
 */
const LOCAL = new BlockList();
LOCAL.addSubnet("0.0.0.0", 8);
LOCAL.addSubnet("127.0.0.0", 8);
LOCAL.addSubnet("169.254.0.0", 16);
LOCAL.addSubnet("224.0.0.0", 4);
LOCAL.addAddress("255.255.255.255");
LOCAL.addAddress("::", "ipv6");
LOCAL.addAddress("::1", "ipv6");
LOCAL.addSubnet("fe80::", 10, "ipv6");
LOCAL.addSubnet("ff00::", 8, "ipv6");
// The metadata service of AWS by IPv6.
LOCAL.addAddress("fd00:ec2::254", "ipv6");

/** Whether an address, in whatever form, is of this machine or its link. What is no address is not. */
export function isLocalAddress(address: string): boolean {
  const [plain = ""] = address.split("%");
  const family = isIP(plain);
  if (family === 4) return LOCAL.check(plain, "ipv4");
  if (family !== 6) return false;
  const embedded = embeddedIpv4(plain);
  return LOCAL.check(plain, "ipv6") || (embedded !== undefined && LOCAL.check(embedded, "ipv4"));
}

const MAPPED = new BlockList();
// IPv4-mapped, IPv4-compatible, NAT64 and 6to4: the system, or a gateway, makes an IPv4 address of these.
MAPPED.addSubnet("::ffff:0:0", 96, "ipv6");
MAPPED.addSubnet("::", 96, "ipv6");
MAPPED.addSubnet("64:ff9b::", 96, "ipv6");
const SIX_TO_FOUR = new BlockList();
SIX_TO_FOUR.addSubnet("2002::", 16, "ipv6");

function embeddedIpv4(address: string): string | undefined {
  const groups = groupsOf(address);
  if (MAPPED.check(address, "ipv6")) return ipv4Of(groups[6], groups[7]);
  return SIX_TO_FOUR.check(address, "ipv6") ? ipv4Of(groups[1], groups[2]) : undefined;
}

/** The eight numbers of an IPv6 address. URLs write it in its shortest form, and without dots. */
function groupsOf(address: string): readonly number[] {
  const { hostname } = new URL(`http://[${address}]`);
  const [head = "", tail] = hostname.slice(1, -1).split("::");
  const numbers = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const before = numbers(head);
  if (tail === undefined) return before;
  const after = numbers(tail);
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
}

function ipv4Of(high = 0, low = 0): string {
  return `${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`;
}
