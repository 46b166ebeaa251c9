import type { Hono } from "hono";
import { z } from "zod";
import { openApiDocument, type OpenApiDocument } from "./openapi-document.js";
import { operation } from "./operation.js";
import { route } from "./routes.js";

/** What the API says of itself. Both are made once, from the routes that are there when first asked for. */
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
}
