import { expect, it } from "vitest";
import { checkHeartbeats } from "./lifecycle-settings.js";

it("a silence that one late heartbeat would fill is refused", () => {
  expect(() => checkHeartbeats({ heartbeatInterval: 1_000, heartbeatTimeout: 2_000 })).not.toThrow();
  expect(() => checkHeartbeats({ heartbeatInterval: 1_000, heartbeatTimeout: 1_999 })).toThrow(
    "--heartbeat-timeout (1999 ms) must be at least twice --heartbeat-interval (1000 ms)",
  );
});
