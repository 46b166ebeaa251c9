import type { Context, MiddlewareHandler } from "hono";
import { callerOf } from "../access/callers.js";
import { HttpError } from "@hawser/http-binding";
import { servedBy } from "./served-by.js";

/** Places of which no client has more than its share, so that none keeps the others out. */
export class ClientShares {
  readonly #share: number;
  readonly #taken = new Map<string, number>();

  constructor(share: number) {
    this.#share = share;
  }

  /** Answers with what gives the place back, once; undefined when the client has its share. */
  take(client: string | undefined): (() => void) | undefined {
    if (client === undefined) return () => {};
    const taken = this.#taken.get(client) ?? 0;
    if (taken >= this.#share) return undefined;
    this.#taken.set(client, taken + 1);
    let given = false;
    return () => {
      if (given) return;
      given = true;
      const left = (this.#taken.get(client) ?? 0) - 1;
      if (left > 0) this.#taken.set(client, left);
      else this.#taken.delete(client);
    };
  }
}

/** Whom a request counts as: who asks, at an address. Undefined where neither is known. */
export function clientOf(context: Context): string | undefined {
  const served = servedBy(context);
  const caller = callerOf(context);
  return served === undefined && caller === undefined
    ? undefined
    : `${caller?.name ?? ""} ${served?.client ?? ""}`;
}

/** Bounds the requests of each client that are under way, up to the head of their answers. @throws HttpError 429 `overloaded` */
export function limitRequests(maxPerClient: number): MiddlewareHandler {
  const shares = new ClientShares(maxPerClient);
  return async (context, next) => {
    const giveBack = shares.take(clientOf(context));
    if (giveBack === undefined) {
      throw new HttpError(429, "overloaded", `${maxPerClient} requests of this client are under way already`);
    }
    try {
      await next();
    } finally {
      giveBack();
    }
  };
}
