import { seededRandom } from "@hawser/runtime";
import { describe, expect, it } from "vitest";
import { descriptorNotices, planDescriptors } from "./descriptor-plan.js";

const DEFAULTS = { maxSessions: 20_000, maxUnauthenticated: 4_096 };

describe("who may have how many descriptors", () => {
  it("as the settings say, where all fit, and nothing is said", () => {
    expect(planDescriptors(DEFAULTS, 65_536)).toEqual({
      ...DEFAULTS,
      maxApiConnections: undefined,
      maxHealthConnections: undefined,
      maxDescriptor: 65_536 - 1_124,
      openFiles: { limit: 65_536, needed: 25_320 },
    });
    expect(descriptorNotices(DEFAULTS, 65_536)).toEqual([]);
    expect(descriptorNotices(DEFAULTS, 25_320)).toEqual([]);
  });

  it("as the settings say, where the limit is not known", () => {
    expect(planDescriptors(DEFAULTS, undefined)).toMatchObject({ ...DEFAULTS, maxDescriptor: undefined });
    expect(descriptorNotices(DEFAULTS, undefined)).toEqual([]);
  });

  it("fewer agents, where the limit is too low, with the numbers and what to do", () => {
    const [notice] = descriptorNotices(DEFAULTS, 1_024);
    expect(notice?.detail).toBe(
      "the limit of open files is 1024, and --max-sessions 20000, --max-unauthenticated 4096, the API and the store may need 25320: at most 557 sessions and 111 other connections of agents are held",
    );
    expect(notice?.fix).toMatch(/raise the limit to 25320 \(LimitNOFILE=.*ulimit -n.*--max-sessions/);
    expect(planDescriptors(DEFAULTS, 1_024)).toMatchObject({
      maxApiConnections: 128,
      maxHealthConnections: 64,
      maxDescriptor: 768,
    });
  });

  it("the rest of a small fleet's goes to connections that are no session yet", () => {
    expect(planDescriptors({ ...DEFAULTS, maxSessions: 100 }, 1_024)).toMatchObject({
      maxSessions: 100,
      maxUnauthenticated: 568,
    });
  });

  it("never more than there are, and always somebody of each kind", () => {
    const seed = 20_261_130;
    const random = seededRandom(seed);
    for (let n = 0; n < 2_000; n += 1) {
      const limit = 64 + Math.floor(random.next() ** 3 * 40_000);
      const wanted = {
        maxSessions: 1 + Math.floor(random.next() ** 2 * 30_000),
        maxUnauthenticated: 1 + Math.floor(random.next() ** 2 * 8_000),
      };
      const plan = planDescriptors(wanted, limit);
      const { maxSessions, maxUnauthenticated, maxApiConnections = 1_024, maxHealthConnections = 64 } = plan;
      const at = JSON.stringify({ seed, limit, wanted, plan });
      expect(maxSessions, at).toBeGreaterThan(0);
      expect(maxUnauthenticated, at).toBeGreaterThan(0);
      expect(maxSessions, at).toBeLessThanOrEqual(wanted.maxSessions);
      expect(maxUnauthenticated, at).toBeLessThanOrEqual(wanted.maxUnauthenticated);
      expect(plan.maxDescriptor, at).toBeLessThan(limit);
      expect(maxSessions + maxUnauthenticated, at).toBeLessThan(plan.maxDescriptor ?? 0);
      expect((plan.maxDescriptor ?? 0) + maxApiConnections + maxHealthConnections, at).toBeLessThanOrEqual(
        limit,
      );
    }
  });
});
