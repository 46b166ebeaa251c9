import { decodeText, HttpError, isJson, isUtf8, parseJson, parseMediaType } from "@hawser/http-binding";
import { HawserError } from "@hawser/protocol";
import type { z } from "zod";
import { readBody } from "./request-body.js";

/** What clients say of a body when nobody told them what it is: curl, and fetch. */
const UNSAID: readonly string[] = ["application/x-www-form-urlencoded", "text/plain"];

export interface JsonBody {
  readonly schema: z.ZodType;
  readonly optional?: true;
  readonly hint?: string;
}

/**
 * Reads a JSON body and holds it against its schema.
 *
 * @throws HawserError `invalid_message`, with line and column or the field that is wrong; 415 for a body that is said to be something else
 */
export async function readJsonBody(request: Request, { schema, optional, hint }: JsonBody): Promise<unknown> {
  checkContentType(request.headers.get("content-type"));
  const text = decodeText(await readBody(request), "invalid_message");
  const parsed = schema.safeParse(optional === true && text === "" ? {} : parseJson(text, "invalid_message"));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? "the body" : `field ${issue.path.join(".")}`;
  const what = `${where} is wrong: ${issue?.message ?? "not as expected"}`;
  throw new HawserError("invalid_message", hint === undefined ? what : `${what}; ${hint}`);
}

function checkContentType(contentType: string | null): void {
  if (contentType === null) return;
  const mediaType = parseMediaType(contentType);
  if ((isJson(mediaType) || UNSAID.includes(mediaType.essence)) && isUtf8(mediaType.charset)) return;
  throw new HttpError(415, "invalid_message", "send JSON in UTF-8 with content-type application/json", {
    headers: { accept: "application/json" },
  });
}
