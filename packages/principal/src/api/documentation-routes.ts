import type { Hono } from "hono";
import { z } from "zod";
import { documentationPage, PAGE_SECURITY_POLICY } from "./docs/documentation-page.js";
import { openApiDocument, type OpenApiDocument } from "./openapi-document.js";
import { operation } from "./operation.js";
import { route } from "./routes.js";

/** What the API says of itself. The document is made once, from the routes that are there when it is first asked for. */
export function documentationRoutes(app: Hono, version: string, secured: boolean): void {
  let document: OpenApiDocument | undefined;
  const described = (): OpenApiDocument => (document ??= openApiDocument(app, version, secured));

  route(app, "/openapi.json", {
    GET: operation(
      {
        id: "getOpenApi",
        tag: "Documentation",
        summary: "This API as OpenAPI 3.1",
        answers: {
          200: {
            description: "The document.",
            content: { "application/json": z.looseObject({ openapi: z.string() }) },
          },
        },
        open: true,
      },
      (context) => context.json(described()),
    ),
  });

  route(app, "/docs", {
    GET: operation(
      {
        id: "getDocs",
        tag: "Documentation",
        summary: "This API for people",
        answers: {
          200: { description: "A page that needs nothing else.", content: { "text/html": z.string() } },
        },
        open: true,
      },
      (context) => {
        const { origin } = new URL(context.req.url);
        return context.html(documentationPage(described(), origin), 200, {
          "content-security-policy": PAGE_SECURITY_POLICY,
          "referrer-policy": "no-referrer",
        });
      },
    ),
  });
}
