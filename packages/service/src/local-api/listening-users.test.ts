import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { endianness } from "node:os";
import { expect, it, onTestFinished } from "vitest";
import { listeningUsers } from "./listening-users.js";

const HEAD =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
/** As the kernel of this machine would write an address in network order. */
const own = (hex: string): string =>
  (endianness() === "LE" ? Buffer.from(hex, "hex").swap32() : Buffer.from(hex, "hex"))
    .toString("hex")
    .toUpperCase();

interface Row {
  readonly address: string;
  readonly state?: string;
  readonly uid: number;
}

function rows(...all: readonly Row[]): string {
  const lines = all.map(
    ({ address, state = "0A", uid }, index) =>
      `   ${index}: ${own(address)}:1D39 ${own(address.replaceAll(/./g, "0"))}:0000 ${state} 00000000:00000000 00:00000000 00000000 ${uid}        0 1517 1 0000000078b28637 100 0 0 10 0\n`,
  );
  return HEAD + lines.join("");
}

function usersAt(
  hosts: readonly string[],
  tables: { readonly tcp?: string; readonly tcp6?: string },
  port = 7481,
) {
  return listeningUsers(hosts, port, (path) => {
    const table = path.endsWith("tcp6") ? tables.tcp6 : tables.tcp;
    if (table === undefined) throw new Error(`ENOENT: ${path}`);
    return table;
  });
}

const LOOPBACK = "7f000001";
const WILDCARD_6 = "0".repeat(32);

it("tells who listens at an address, and at no other address or port", () => {
  const tcp = rows({ address: LOOPBACK, uid: 1001 }, { address: "0a000005", uid: 1002 });
  expect(usersAt(["127.0.0.1"], { tcp })).toEqual([1001]);
  expect(usersAt(["127.0.0.2"], { tcp })).toEqual([]);
  expect(usersAt(["127.0.0.1"], { tcp }, 7482)).toEqual([]);
});

it("passes over connections that only go through the port", () => {
  expect(usersAt(["127.0.0.1"], { tcp: rows({ address: LOOPBACK, state: "01", uid: 1001 }) })).toEqual([]);
});

it("knows wildcards, and IPv4 within IPv6", () => {
  const tcp6 = rows(
    { address: WILDCARD_6, uid: 1 },
    { address: WILDCARD_6.slice(1) + "1", uid: 2 },
    { address: `00000000000000000000ffff${LOOPBACK}`, uid: 3 },
  );
  const tcp = rows({ address: "00000000", uid: 4 });
  expect(usersAt(["127.0.0.1"], { tcp, tcp6 })).toEqual([3]);
  expect(usersAt(["127.0.0.1", "0.0.0.0", "::"], { tcp, tcp6 })).toEqual([4, 1, 3]);
  expect(usersAt(["::1"], { tcp, tcp6 })).toEqual([2]);
});

it("says nothing where the system does not", () => {
  expect(usersAt(["127.0.0.1"], {})).toBeUndefined();
  expect(usersAt(["127.0.0.1"], { tcp: HEAD })).toEqual([]);
});

it.runIf(process.platform === "linux").each(["127.0.0.1", "0.0.0.0"])(
  "finds a socket of this process at %s",
  async (host) => {
    const server = createServer().listen(0, host);
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    expect(listeningUsers([host], port)).toEqual([process.getuid?.()]);
  },
);
