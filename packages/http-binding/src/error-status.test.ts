import { ERROR_CODES, HawserError } from "@hawser/protocol";
import { silentLogger, type LogFields } from "@hawser/runtime";
import { describe, expect, it } from "vitest";
import { RETRY_AFTER_SECONDS, STATUS_BY_CODE } from "./error-status.js";
import { HttpError } from "./http-error.js";
import { problemResponse } from "./problem.js";

describe("statuses of errors", () => {
  it("has one for each code and no other", () => {
    expect(Object.keys(STATUS_BY_CODE).sort()).toEqual([...ERROR_CODES].sort());
  });

  it.each(ERROR_CODES)("answers %s as a problem with its status", async (code) => {
    const error = new HawserError(code, "what happened", { agent: "a", resource_id: "r_1", event_id: "7" });
    const response = problemResponse(error, { logger: silentLogger, requestId: "r-1", speaker: "principal" });
    const status = STATUS_BY_CODE[code];
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThanOrEqual(599);
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toEqual({
      type: `urn:hawser:error:${code}`,
      title: code.replaceAll("_", " "),
      status,
      code,
      requestId: "r-1",
      detail: status === 500 ? "the principal failed; its log says why" : "what happened",
      agent: "a",
      resource_id: "r_1",
      event_id: "7",
    });
  });

  it("names a time to come back only where coming back can help", () => {
    for (const code of ERROR_CODES) {
      const retryAfter = problemResponse(new HawserError(code, ""), {
        logger: silentLogger,
        requestId: "r-1",
        speaker: "agent",
      }).headers.get("retry-after");
      expect(retryAfter).toBe(RETRY_AFTER_SECONDS[code]?.toString() ?? null);
      if (retryAfter !== null) expect([429, 503, 507]).toContain(STATUS_BY_CODE[code]);
    }
    expect(STATUS_BY_CODE.mailbox_full).toBe(429);
    expect(RETRY_AFTER_SECONDS.mailbox_full).toBe(5);
  });

  it("keeps what broke inside for the log", async () => {
    const logged: LogFields[] = [];
    const logger = { ...silentLogger, error: (fields: LogFields) => void logged.push(fields) };
    const thrown = new TypeError("secret path /var/lib/x");
    const response = problemResponse(thrown, { logger, requestId: "r-1", speaker: "principal" });
    expect(await response.text()).not.toContain("secret");
    expect(logged).toHaveLength(1);
    expect(logged[0]?.err).toMatchObject({ code: "internal", cause: thrown });
  });

  it("does not log what the client did wrong", () => {
    const logged: LogFields[] = [];
    const logger = { ...silentLogger, error: (fields: LogFields) => void logged.push(fields) };
    problemResponse(new HawserError("invalid_event", ""), { logger, requestId: "r-1", speaker: "agent" });
    expect(logged).toEqual([]);
  });

  it("lets an HttpError say its status and headers", () => {
    const response = problemResponse(
      new HttpError(405, "invalid_message", "", { headers: { allow: "GET" } }),
      { logger: silentLogger, requestId: "r-1", speaker: "agent" },
    );
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("GET");
  });
});
