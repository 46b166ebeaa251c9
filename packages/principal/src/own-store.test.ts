import { HawserError } from "@hawser/protocol";
import { seededRandom, systemRuntime } from "@hawser/runtime";
import { createMemoryDisk, createMemoryStore, type Store } from "@hawser/store";
import { createMemoryTransport, type Acceptor } from "@hawser/transport";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createPrincipal, type Principal } from "./index.js";

const COMMAND = {
  specversion: "1.0",
  id: "1",
  source: "test",
  type: "test.command",
  resourceid: "job_u1",
} as const;

function principalOver(store: Store, acceptors: readonly Acceptor[] = []): Principal {
  const principal = createPrincipal({
    store,
    acceptors,
    runtime: systemRuntime(),
    stop: { windowMs: 0, answerWaitMs: 0 },
  });
  onTestFinished(() => principal.stop());
  return principal;
}

const isOpen = (store: Store): Promise<boolean> =>
  store.peers({ limit: 1 }).then(
    () => true,
    () => false,
  );

/** A disk that there is nobody for any more. */
function brokenStore(): Store {
  const disk = createMemoryDisk();
  const store = createMemoryStore({ disk });
  disk.crash(seededRandom(1));
  return store;
}

describe("the store of a principal", () => {
  it("starts with it and stops after it, each time", async () => {
    const store = createMemoryStore();
    const principal = principalOver(store);
    await expect(principal.publish("edge-1", COMMAND)).rejects.toMatchObject({ code: "store_unavailable" });
    for (let round = 1; round <= 3; round += 1) {
      await principal.start();
      await principal.publish("edge-1", COMMAND);
      expect(await principal.agent("edge-1")).toMatchObject({ pending: round });
      await principal.stop();
      expect(await isOpen(store)).toBe(false);
    }
  });

  it("stays open for whoever started it", async () => {
    const store = createMemoryStore();
    onTestFinished(() => store.stop());
    await store.start();
    const principal = principalOver(store);
    await principal.start();
    await principal.stop();
    expect(await isOpen(store)).toBe(true);
  });

  it("fails its start when it cannot be opened, and says why", async () => {
    const principal = principalOver(brokenStore());
    await expect(principal.start()).rejects.toMatchObject({ code: "store_corrupt" });
    expect(principal.state).toBe("stopped");
  });

  it("is closed again when the rest of the start fails, and when it is stopped half way", async () => {
    const store = createMemoryStore();
    const { acceptor } = createMemoryTransport();
    const failing: Acceptor = {
      ...acceptor,
      start: () => Promise.reject(new HawserError("invalid_config", "not today")),
    };
    await expect(principalOver(store, [failing]).start()).rejects.toMatchObject({ code: "invalid_config" });
    expect(await isOpen(store)).toBe(false);
    const principal = principalOver(store);
    const starting = expect(principal.start()).rejects.toMatchObject({ code: "aborted" });
    await principal.stop();
    await starting;
    expect(await isOpen(store)).toBe(false);
    await principal.start();
    expect(principal.state).toBe("open");
  });

  it("is released after its acceptors have stopped", async () => {
    const store = createMemoryStore();
    const { acceptor } = createMemoryTransport();
    const wasOpen = vi.fn<(open: boolean) => void>();
    const watching: Acceptor = {
      ...acceptor,
      stop: async () => {
        wasOpen(await isOpen(store));
        await acceptor.stop();
      },
    };
    const principal = principalOver(store, [watching]);
    await principal.start();
    await principal.stop();
    expect(wasOpen.mock.calls).toEqual([[true]]);
  });

  it("leaves an acceptor with the principal that has it", async () => {
    const { acceptor } = createMemoryTransport();
    const stop = vi.spyOn(acceptor, "stop");
    await principalOver(createMemoryStore(), [acceptor]).start();
    const second = principalOver(createMemoryStore(), [acceptor]);
    await expect(second.start()).rejects.toMatchObject({ code: "invalid_state" });
    expect(stop).not.toHaveBeenCalled();
  });
});
