import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPrincipal } from "@hawser/principal";
import { createJournalStore } from "@hawser/store-journal";
import { createWebSocketAcceptor } from "@hawser/transport-ws";
import { expect, it, onTestFinished } from "vitest";
import { twoPhases } from "./two-phases.js";

it.each([
  ["port", ""],
  ["port", "/hawser/"],
  ["socket", ""],
  ["socket", "/hawser"],
])("a principal logs in to itself by its internal %s, below the base path %j", async (kind, basePath) => {
  const folder = mkdtempSync(join(tmpdir(), "hawser-two-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const store = createJournalStore({ directory: join(folder, "data") });
  await store.start();
  onTestFinished(() => store.stop());
  const principal = createPrincipal({
    store,
    acceptors: [createWebSocketAcceptor({ basePath, allow: { hosts: [], origins: [] } })],
    listen: { port: 0 },
    ...twoPhases({
      internalListen: kind === "port" ? { host: "127.0.0.1", port: 0 } : { path: join(folder, "i.sock") },
      internalSocketMode: "0600",
      stableFor: 0,
      gateTimeout: 5_000,
      gateFallback: "exit",
      basePath,
    }),
    stop: { windowMs: 0 },
  });
  onTestFinished(() => principal.stop());
  await principal.start();
  expect(principal.state).toBe("open");
});
