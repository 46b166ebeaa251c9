import type { PutOptions, ResourceView } from "@hawser/principal";
import { HawserError, type ErrorContext } from "@hawser/protocol";
import { HttpError } from "@hawser/http-binding";

const ETAG = /^"([1-9]\d{0,15})"$/;

/** The version of a resource as an entity tag (RFC 9110, section 8.8.3). It names the spec; status changes without it. */
export function entityTag(view: ResourceView): string {
  return `"${view.version}"`;
}

/** What a request demands of the resource as it is now. */
export type Precondition =
  | { readonly kind: "none" }
  | { readonly kind: "absent" }
  | { readonly kind: "present" }
  | { readonly kind: "version"; readonly version: string };

/** @throws HawserError `invalid_message` for conditions that cannot be held against a version */
export function parsePrecondition(headers: Headers): Precondition {
  const match = headers.get("if-match");
  const noneMatch = headers.get("if-none-match");
  if (match !== null && noneMatch !== null) throw invalid("send If-Match or If-None-Match, not both");
  if (noneMatch !== null) {
    if (noneMatch === "*") return { kind: "absent" };
    throw invalid("If-None-Match is understood as * only: the resource must not exist");
  }
  if (match === null) return { kind: "none" };
  if (match === "*") return { kind: "present" };
  const version = ETAG.exec(match)?.[1];
  if (version !== undefined) return { kind: "version", version };
  throw invalid('If-Match must be * or one entity tag as the API gave it, such as "42"');
}

/**
 * Runs a change under a precondition.
 *
 * @throws HttpError `conflict` with status 412 when the resource is not as demanded
 */
export async function underPrecondition<T>(
  precondition: Precondition,
  current: () => Promise<ResourceView | undefined>,
  change: (options: PutOptions) => Promise<T>,
): Promise<T> {
  try {
    return await change(await putOptions(precondition, current));
  } catch (error) {
    if (precondition.kind === "none" || !(error instanceof HawserError) || error.code !== "conflict")
      throw error;
    throw new HttpError(412, "conflict", error.message, { ...contextOf(error), cause: error });
  }
}

async function putOptions(
  precondition: Precondition,
  current: () => Promise<ResourceView | undefined>,
): Promise<PutOptions> {
  switch (precondition.kind) {
    case "none":
      return {};
    case "absent":
      return { expectedVersion: "0" };
    case "version":
      return { expectedVersion: precondition.version };
    case "present": {
      const view = await current();
      if (view !== undefined && view.state !== "deleting") return { expectedVersion: view.version };
      throw new HawserError("conflict", "the resource does not exist");
    }
  }
}

function contextOf({ agent, resource_id }: HawserError): ErrorContext {
  return { ...(agent === undefined ? {} : { agent }), ...(resource_id === undefined ? {} : { resource_id }) };
}

function invalid(message: string): HawserError {
  return new HawserError("invalid_message", message);
}
