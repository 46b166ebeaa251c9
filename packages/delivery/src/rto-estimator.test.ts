import { expect, test } from "vitest";
import { DEFAULT_RESEND_TIMING } from "./resend-timing.js";
import { RtoEstimator } from "./rto-estimator.js";

const always = (value: number) => ({ next: () => value, uuid: () => "" });
const estimator = () => new RtoEstimator(DEFAULT_RESEND_TIMING);

test("before any ACK the initial timeout holds", () => {
  expect(estimator()).toMatchObject({ valueMs: 3_000, srttMs: undefined, rttvarMs: undefined });
});

test("samples are smoothed as RFC 6298 says", () => {
  const rto = estimator();
  rto.sample(2_000);
  expect(rto).toMatchObject({ srttMs: 2_000, rttvarMs: 1_000, valueMs: 6_000 });
  rto.sample(4_000);
  // rttvar = 3/4 * 1000 + 1/4 * |2000 - 4000|, srtt = 7/8 * 2000 + 1/8 * 4000
  expect(rto).toMatchObject({ rttvarMs: 1_250, srttMs: 2_250, valueMs: 7_250 });
});

test("the value stays between its bounds", () => {
  const rto = estimator();
  rto.sample(5);
  expect(rto.valueMs).toBe(1_000);
  rto.sample(10_000_000);
  expect(rto.valueMs).toBe(120_000);
});

test("a timeout doubles the value until the next measurement", () => {
  const rto = estimator();
  rto.timedOut(3_000);
  rto.timedOut(6_000);
  expect(rto.valueMs).toBe(12_000);
  rto.sample(2_000);
  expect(rto.valueMs).toBe(6_000);
});

test("a whole window that times out together doubles the value once", () => {
  const rto = estimator();
  for (let event = 0; event < 256; event += 1) rto.timedOut(3_000);
  expect(rto.valueMs).toBe(6_000);
});

test("doubling ends at the cap, and one measurement brings the value back from there", () => {
  const rto = estimator();
  for (let timeout = 0; timeout < 100; timeout += 1) rto.timedOut(rto.valueMs);
  expect(rto.valueMs).toBe(120_000);
  expect(rto.delayMs(always(0.9), 3)).toBe(120_000);
  rto.sample(10);
  expect(rto.valueMs).toBe(1_000);
});

test.each([
  { sends: 1, ceiling: 6_000 },
  { sends: 2, ceiling: 12_000 },
  { sends: 5, ceiling: 96_000 },
  { sends: 6, ceiling: 120_000 },
])("the wait after $sends sends is drawn from the value up to $ceiling", ({ sends, ceiling }) => {
  expect(estimator().delayMs(always(0), sends)).toBe(3_000);
  expect(estimator().delayMs(always(0.5), sends)).toBe((3_000 + ceiling) / 2);
});

test("ACK times beyond the timeout are learned, although a resent event is no sample", () => {
  const rto = estimator();
  rto.sample(10);
  const trueAckTimeMs = 20_000;
  let resends = 0;
  while (rto.valueMs < trueAckTimeMs) {
    rto.timedOut(rto.valueMs);
    resends += 1;
  }
  rto.sample(trueAckTimeMs);
  expect(resends).toBe(5);
  expect(rto.valueMs).toBeGreaterThanOrEqual(trueAckTimeMs);
});
