import { entryLogger, systemRuntime } from "@hawser/runtime";
import { createMemoryStore } from "@hawser/store";
import { expect, it, onTestFinished } from "vitest";
import { createPrincipal } from "./create-principal.js";
import type { PrincipalOptions } from "./principal.js";
import { warnOfOpenPort, warnOfOpenUpgrades } from "./warn-of-open-port.js";

type Address = Parameters<typeof warnOfOpenPort>[0];

function warnings(
  address: Address,
  options: Pick<PrincipalOptions, "authenticate" | "listen"> = {},
): unknown[] {
  const lines: unknown[] = [];
  warnOfOpenPort(
    address,
    options,
    entryLogger("info", (entry) => lines.push(entry)),
  );
  return lines;
}

it("warns of a port that other machines reach and where nobody is asked who they are", () => {
  for (const host of ["0.0.0.0", "::", "192.0.2.1"])
    expect(warnings({ host, port: 7480 })).toEqual([
      expect.objectContaining({ level: "warn", host, port: 7480, msg: expect.stringContaining("any agent") }),
    ]);
});

it("says nothing where only this machine reaches it, or somebody tells who an agent is", () => {
  const open = { host: "0.0.0.0", port: 1 };
  const signed = { port: 1, tls: { cert: "", key: "", clientCa: "" } };
  expect([
    ...warnings(undefined),
    ...warnings({ path: "/run/internal.sock" }),
    ...warnings({ host: "127.0.0.1", port: 1 }),
    ...warnings({ host: "::1", port: 1 }),
    ...warnings(open, { authenticate: () => ({ ok: true }) }),
    ...warnings(open, { listen: signed }),
  ]).toEqual([]);
});

it("a principal asks for its own ports", async () => {
  const lines: string[] = [];
  const runtime = systemRuntime(entryLogger("warn", (entry) => lines.push(JSON.stringify(entry))));
  const store = createMemoryStore({ runtime });
  const principal = createPrincipal({ store, runtime, acceptors: [], listen: { host: "0.0.0.0", port: 0 } });
  onTestFinished(async () => {
    await principal.stop();
  });
  const { address } = await principal.start();
  expect(lines.map((line): unknown => JSON.parse(line))).toEqual([
    expect.objectContaining({ level: "warn", ...address, msg: expect.stringContaining("any agent") }),
  ]);
});

it("warns of upgrades of another server where nobody is asked who they are", () => {
  const said = (options: Parameters<typeof warnOfOpenUpgrades>[0]): unknown[] => {
    const lines: unknown[] = [];
    warnOfOpenUpgrades(
      options,
      entryLogger("info", (entry) => lines.push(entry)),
    );
    return lines;
  };
  const listen = { by: "upgrade" } as const;
  expect(said({ listen })).toEqual([
    expect.objectContaining({ level: "warn", msg: expect.stringContaining("any agent") }),
  ]);
  expect([
    ...said({ listen, authenticate: () => ({ ok: true }) }),
    ...said({ listen: { port: 0 } }),
    ...said({}),
  ]).toEqual([]);
});
