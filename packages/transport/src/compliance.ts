import { describe } from "vitest";
import { backpressureCases } from "./compliance/backpressure-cases.js";
import { badFrameCases } from "./compliance/bad-frame-cases.js";
import { closingCases } from "./compliance/closing-cases.js";
import { deliveryCases } from "./compliance/delivery-cases.js";
import { dialingCases } from "./compliance/dialing-cases.js";
import { lossCases } from "./compliance/loss-cases.js";
import { socketCases } from "./compliance/socket-cases.js";
import type { MakeTransport } from "./compliance/stage.js";

export type {
  CaseSettings,
  HostilePeer,
  InProcessWire,
  SocketWire,
  TransportUnderTest,
} from "./compliance/under-test.js";
export type { MakeTransport } from "./compliance/stage.js";

/** Far above what any case takes on a quiet machine; a case that waits for what never comes fails by it. */
const CASE_TIMEOUT_MS = 20_000;

/** What a transport is spared. */
export interface ComplianceOptions {
  /** An in-process transport is spared the cases about strangers on its port. @default "sockets" */
  readonly medium?: "sockets" | "in-process";
}

/**
 * What every transport has to do, as vitest cases (PROTOCOL.md, Transports). Real transports run over real loopback sockets, through a proxy
 * that can reset and black-hole them.
 *
 * @param name what the cases are listed under
 * @param make a fresh transport for each case
 */
export function transportCompliance(
  name: string,
  make: MakeTransport,
  { medium = "sockets" }: ComplianceOptions = {},
): void {
  describe(`transport compliance: ${name}`, { timeout: CASE_TIMEOUT_MS }, () => {
    describe("delivery", () => deliveryCases(make));
    describe("backpressure", () => backpressureCases(make));
    describe("bad frames", () => badFrameCases(make));
    describe("closing", () => closingCases(make));
    describe("loss", () => lossCases(make));
    describe("dialling", () => dialingCases(make));
    if (medium === "sockets") describe("strangers", () => socketCases(make));
  });
}
