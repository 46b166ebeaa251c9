import type { Principal } from "@hawser/principal";

/** When a stream is to end. `forget` once it has. */
export interface StreamEnding {
  readonly signal: AbortSignal;
  forget(): void;
}

/** Streams end when the principal lets everybody go, and with any of these: the server they go through closes, the token they were asked for with is gone. */
export function streamEnding(
  principal: Pick<Principal, "status">,
  signals: readonly (AbortSignal | undefined)[],
): StreamEnding {
  const ending = new AbortController();
  const following = new AbortController();
  const end = (): void => ending.abort();
  for (const signal of signals) {
    if (signal?.aborted === true) end();
    signal?.addEventListener("abort", end);
  }
  void followUntilOver(principal, following.signal).then(end);
  return {
    signal: ending.signal,
    forget() {
      following.abort();
      for (const signal of signals) signal?.removeEventListener("abort", end);
    },
  };
}

/** A principal that is stopped when the stream begins is one that has not started yet. */
async function followUntilOver(principal: Pick<Principal, "status">, signal: AbortSignal): Promise<void> {
  let begun = false;
  for await (const { kind } of principal.status({ signal })) {
    if (kind === "draining" || (kind === "stopped" && begun)) return;
    begun = true;
  }
}
