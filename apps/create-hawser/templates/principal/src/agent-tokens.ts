import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Authenticate } from "@hawser/principal";
import { HawserError } from "@hawser/protocol";
import { z } from "zod";

const AgentTokens = z.record(z.string(), z.string().min(16));

/**
 * Lets an agent in that shows the token which the file has under its name. The file is read for each connection, so a change needs no restart;
 * one that cannot be read lets nobody in, and agents try again.
 */
export function byTokensOf(file: string): Authenticate {
  return ({ authorization = "" }, { agent }) => {
    const tokens = AgentTokens.parse(JSON.parse(readFileSync(file, "utf8")));
    const token = Object.hasOwn(tokens, agent) ? tokens[agent] : undefined;
    if (token !== undefined && same(authorization, `Bearer ${token}`)) return { ok: true };
    return {
      ok: false,
      error: new HawserError("unauthenticated", "the token is not that of this agent", { agent }),
    };
  };
}

/** Takes as long for every wrong text, so that the time tells nothing of the right one. */
function same(one: string, other: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
