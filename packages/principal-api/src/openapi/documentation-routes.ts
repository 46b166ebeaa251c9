import { createHash } from "node:crypto";
import type { Context, Hono } from "hono";
import { z } from "zod";
import { documentationPage, PAGE_SECURITY_POLICY } from "./docs/documentation-page.js";
import { relativeDocs } from "../http/base-path.js";
import { openApiDocument, type ApiSecurity, type OpenApiDocument } from "./openapi-document.js";
import { json } from "./operation.js";
import type { Serve } from "../routes/routes.js";

/** The page names the address it was asked by. So many are kept, of which a principal has one or two. */
const MAX_PAGES = 8;

const ETAG = { etag: "What it is now, for `If-None-Match`." };
const UNCHANGED = { description: "It is what `If-None-Match` says." };
const PAGE = {
  description: "A page that needs nothing else.",
  content: { "text/html": z.string() },
  headers: ETAG,
};
const PAGE_HEADERS = {
  "content-type": "text/html; charset=UTF-8",
  "content-security-policy": PAGE_SECURITY_POLICY,
  "referrer-policy": "no-referrer",
};

/** A document that is made once and sent as it is. */
interface Made {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly etag: string;
}

interface DocumentedApi {
  readonly app: Pick<Hono, "routes">;
  readonly version: string;
  readonly security: ApiSecurity;
  readonly basePath: string;
}

/** What the API says of itself. Both are made once, from the routes that are there when they are first asked for. */
export function documentationRoutes(serve: Serve, { app, version, security, basePath }: DocumentedApi): void {
  let described: OpenApiDocument | undefined;
  let document: Made | undefined;
  const pages = new Map<string, Made>();
  const describe = (): OpenApiDocument => (described ??= openApiDocument(app, version, security));

  function pageFor(origin: string): Made {
    const known = pages.get(origin);
    if (known !== undefined) return known;
    const [oldest] = pages.keys();
    if (oldest !== undefined && pages.size >= MAX_PAGES) pages.delete(oldest);
    const page = made(String(documentationPage(describe(), origin)));
    pages.set(origin, page);
    return page;
  }

  serve("GET", "/", {
    id: "getRoot",
    summary: "Leads to the documentation",
    answers: {
      302: { description: "To `docs`.", headers: { location: "The path of `docs`, relative to this." } },
    },
    open: true,
    handle: (context) =>
      context.body(null, 302, { location: relativeDocs(basePath, new URL(context.req.url).pathname) }),
  });
  serve("GET", "/openapi.json", {
    id: "getOpenApi",
    summary: "This API as OpenAPI 3.1",
    answers: { 200: json("The document.", z.looseObject({ openapi: z.string() }), ETAG), 304: UNCHANGED },
    open: true,
    handle: (context) => {
      document ??= made(JSON.stringify(describe()));
      return send(context, document, { "content-type": "application/json" });
    },
  });
  serve("GET", "/docs", {
    id: "getDocs",
    summary: "This API for people",
    answers: { 200: PAGE, 304: UNCHANGED },
    open: true,
    handle: (context) => {
      const page = pageFor(`${new URL(context.req.url).origin}${basePath}`);
      return send(context, page, PAGE_HEADERS);
    },
  });
}

function made(text: string): Made {
  const bytes = new Uint8Array(Buffer.from(text));
  return { bytes, etag: `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"` };
}

/** It changes with the release alone, so it may be kept, and asked for again. */
function send(context: Context, { bytes, etag }: Made, headers: Readonly<Record<string, string>>): Response {
  const kept = { ...headers, etag, "cache-control": "no-cache" };
  const known = (context.req.header("if-none-match") ?? "").split(",").some((each) => each.trim() === etag);
  return known ? context.body(null, 304, kept) : context.body(bytes, 200, kept);
}
