import { describe } from "vitest";
import { appendCompliance } from "./compliance/append.js";
import { capsCompliance } from "./compliance/caps.js";
import { crashCompliance } from "./compliance/crash.js";
import { deadLetterCompliance } from "./compliance/dead-letters.js";
import type { MakeStore } from "./compliance/harness.js";
import { idempotencyCompliance } from "./compliance/idempotency.js";
import { inboxCompliance } from "./compliance/inbox.js";
import { leaseCompliance } from "./compliance/lease.js";
import { lifecycleCompliance } from "./compliance/lifecycle.js";
import { modelCompliance } from "./compliance/model-test.js";
import { peerStoreCompliance } from "./compliance/peer-store.js";
import { rollbackCompliance } from "./compliance/rollback.js";
import { purgeCompliance } from "./compliance/purge.js";
import { removeCompliance } from "./compliance/remove.js";
import { retainedCompliance } from "./compliance/retained.js";
import { tombstoneCompliance } from "./compliance/tombstones.js";
import { viewsCompliance } from "./compliance/views.js";

export type { MakeStore, StoreUnderTest } from "./compliance/harness.js";

/**
 * Everything the docstrings of `Store` promise, as tests. Call it from a test file with a function that makes a store with nothing in it:
 * an implementation that passes can be used wherever Hawser takes a store.
 */
export function storeCompliance(name: string, make: MakeStore): void {
  describe(`${name}: store compliance`, () => {
    appendCompliance(make);
    idempotencyCompliance(make);
    capsCompliance(make);
    leaseCompliance(make);
    deadLetterCompliance(make);
    retainedCompliance(make);
    inboxCompliance(make);
    peerStoreCompliance(make);
    rollbackCompliance(make);
    removeCompliance(make);
    purgeCompliance(make);
    tombstoneCompliance(make);
    viewsCompliance(make);
    lifecycleCompliance(make);
    crashCompliance(make);
    modelCompliance(make);
  });
}
