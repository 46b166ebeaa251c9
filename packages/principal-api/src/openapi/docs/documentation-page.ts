import { createHash } from "node:crypto";
import type { JsonSchema } from "../api-schema.js";
import type { OpenApiDocument } from "../openapi-document.js";
import { quoted } from "./curl-example.js";
import { html, Html, prose } from "./html.js";
import { operationView, type OperationParts } from "./operation-view.js";
import { PAGE_STYLE } from "./page-style.js";
import { fieldsOf, schemaAnchor, typeOf } from "./schema-view.js";

/** Nothing is loaded and nothing runs: the page is text, and one style sheet that is known by its hash. */
export const PAGE_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(PAGE_STYLE).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The document as a page for people, whole in itself. `origin` is where the examples send their requests, unless their reader says otherwise. */
export function documentationPage(document: OpenApiDocument, origin: string): string {
  const { info, tags } = document;
  const operations = operationsOf(document);
  const sections = tags.map(({ name }) => ({
    name,
    operations: operations.filter(({ operation }) => operation.tags.includes(name)),
  }));
  const schemas = Object.entries(document.components["schemas"] ?? {});
  const contents = html`${sections.map((section) => html`<h2>${section.name}</h2><ul>${section.operations.map(entry)}</ul>`)}
<h2>Schemas</h2><ul>${schemas.map(([name]) => html`<li><a href="#${schemaAnchor(name)}">${name}</a></li>`)}</ul>`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${info.title}: HTTP API</title>
<style>${new Html(PAGE_STYLE)}</style>
</head>
<body>
<header>
<h1>${info.title}</h1>
<p class="lead">HTTP API, version ${info.version}</p>
<p>${String(info["description"])} The same for programs: <a href="openapi.json">openapi.json</a>.</p>
${exampleNote(document, origin)}
</header>
<div class="columns">
<nav class="narrow" aria-label="Contents"><details><summary>Contents</summary>${contents}</details></nav>
<nav class="wide" aria-label="Contents">${contents}</nav>
<main>
${sections.map((section) => html`<section><h2>${section.name}</h2>${section.operations.map(operationView)}</section>`)}
<section><h2>Schemas</h2>${schemas.map(([name, schema]) => schemaView(name, schema as JsonSchema))}</section>
</main>
</div>
</body>
</html>
`;
  return page.text;
}

function operationsOf({ paths, security }: OpenApiDocument): readonly OperationParts[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      operation,
      secured: security.length > 0,
    })),
  );
}

/** Only its reader knows by which address, and below which path, something in front leads to this page. */
function exampleNote({ security }: OpenApiDocument, origin: string): Html {
  const token = html` This API wants a token: <code>TOKEN=$(cat your-token-file)</code>`;
  return html`<p>For the examples: <code>API=${quoted(origin)}</code>, or whatever precedes <code>/docs</code> in the address of this page.${security.length === 0 ? undefined : token}</p>`;
}

function entry({ method, operation }: OperationParts): Html {
  const { operationId, summary } = operation;
  return html`<li><a href="#${operationId}"><span class="method ${method.toLowerCase()}">${method}</span> ${summary}</a></li>`;
}

function schemaView(name: string, schema: JsonSchema): Html {
  const { description } = schema;
  return html`<article id="${schemaAnchor(name)}"><h3>${name}</h3>
${typeof description === "string" ? html`<p>${prose(description)}</p>` : undefined}
${fieldsOf(schema) ?? html`<p class="type">${typeOf(schema)}</p>`}</article>
`;
}
