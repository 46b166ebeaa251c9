import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { tryListen } from "./try-listen.js";

const loopback = (port: number): { host: string; port: number } => ({ host: "127.0.0.1", port });

async function taken(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const bound = server.address();
  return typeof bound === "object" && bound !== null ? bound.port : 0;
}

it("binds all of them at once and leaves nothing behind", async () => {
  const directory = mkdtempSync(join(tmpdir(), "hawser-try-listen-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, "internal.sock");
  for (let n = 0; n < 2; n += 1)
    await tryListen([
      { option: "listen", listen: loopback(0) },
      { option: "internal.listen", listen: { path } },
    ]);
  expect(existsSync(path)).toBe(false);
});

it("says which one is taken, as a start does, and lets go of the others", async () => {
  const port = await taken();
  await expect(
    tryListen([
      { option: "listen", listen: loopback(0) },
      { option: "api", listen: loopback(port) },
    ]),
  ).rejects.toMatchObject({ code: "port_in_use", message: expect.stringContaining("set api.port") });
});

it("finds two that are the same", async () => {
  const directory = mkdtempSync(join(tmpdir(), "hawser-try-listen-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const listen = { path: join(directory, "one.sock") };
  await expect(
    tryListen([
      { option: "internal.listen", listen },
      { option: "health", listen },
    ]),
  ).rejects.toMatchObject({ code: "port_in_use" });
});
