import type { ReadinessCondition } from "@hawser/listener";
import type { Runtime } from "@hawser/runtime";
import type { Store } from "@hawser/store";
import type { Dialer } from "@hawser/transport";
import { selfLogin } from "./self-login.js";

/** What a principal with an internal port waits for by itself: that the store answers and, with a dialer to that port, that an agent gets in. */
export function ownConditions(
  store: Store,
  dialer: Dialer | undefined,
  runtime: Runtime,
): readonly ReadinessCondition[] {
  const answers: ReadinessCondition = {
    name: "store",
    check: async () => {
      await store.peers({ limit: 1 });
      return true;
    },
  };
  if (dialer === undefined) return [answers];
  let through = false;
  const loggedIn: ReadinessCondition = {
    name: "self-login",
    check: async (signal) => {
      if (!through) await selfLogin(dialer, runtime, signal);
      through = true;
      return true;
    },
  };
  return [answers, loggedIn];
}
