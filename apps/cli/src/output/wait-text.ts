import type { Resource } from "../api/schemas.js";
import { formatDuration } from "./table.js";

/** Why a resource waits, with the times as they are from now; undefined where it does not, or its principal does not say. @param now wall-clock time, in Unix milliseconds */
export function waitText({ waiting }: Pick<Resource, "waiting">, now: number): string | undefined {
  if (waiting === undefined) return undefined;
  const { message, since, nextTryAt } = waiting;
  const ago = since === undefined ? "" : `, since ${formatDuration(now - Date.parse(since))}`;
  const nextMs = nextTryAt === undefined ? 0 : Date.parse(nextTryAt) - now;
  const next = nextMs > 0 ? `, next try in ${formatDuration(nextMs)}` : "";
  return `${message}${ago}${next}`;
}
