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
import { sharedAppendCompliance } from "./compliance/shared/append.js";
import { sharedFenceCompliance } from "./compliance/shared/fences.js";
import type { MakeShared } from "./compliance/shared/harness.js";
import { sharedHearingCompliance } from "./compliance/shared/hearing.js";
import { sharedOperationsCompliance } from "./compliance/shared/operations.js";
import { sharedReachCompliance } from "./compliance/shared/reach.js";
import { sharedViewsCompliance } from "./compliance/shared/views.js";
import { viewsCompliance } from "./compliance/views.js";

export type { MakeStore, StoreUnderTest } from "./compliance/harness.js";
export type {
  ClientUnderTest,
  MakeShared,
  SharedOptions,
  SharedUnderTest,
} from "./compliance/shared/harness.js";

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

/**
 * What a store promises beyond that where several clients share it: who may write what, what is heard where, and what a client that is cut off can rely on. Each client by itself has to pass
 * `storeCompliance` as well.
 */
export function sharedStoreCompliance(name: string, make: MakeShared): void {
  describe(`${name}: shared store compliance`, () => {
    sharedAppendCompliance(make);
    sharedHearingCompliance(make);
    sharedFenceCompliance(make);
    sharedReachCompliance(make);
    sharedOperationsCompliance(make);
    sharedViewsCompliance(make);
  });
}
