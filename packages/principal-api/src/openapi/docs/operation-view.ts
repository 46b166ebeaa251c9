import type {
  OpenApiAnswer,
  OpenApiContent,
  OpenApiOperation,
  OpenApiParameter,
} from "../openapi-document.js";
import { curlExamples } from "./curl-example.js";
import { html, prose, type Html } from "./html.js";
import { fieldsOf, typeOf } from "./schema-view.js";

export interface OperationParts {
  readonly method: string;
  readonly path: string;
  readonly operation: OpenApiOperation;
  readonly secured: boolean;
}

/** Everything about one operation. */
export function operationView(parts: OperationParts): Html {
  const { method, path, operation } = parts;
  const { operationId, summary, description, parameters, requestBody, responses } = operation;
  const secured = parts.secured && operation.security === undefined;
  return html`<article id="${operationId}">
<h3><a href="#${operationId}">${summary}</a></h3>
<p class="call"><span class="method ${method.toLowerCase()}">${method}</span> <code>${path}</code></p>
${description === undefined ? undefined : html`<p>${prose(description)}</p>`}
${parametersView(parameters)}
${requestBody === undefined ? undefined : bodyView(requestBody.content, requestBody.required)}
<h4>Try it</h4>
${curlExamples({ ...parts, secured }).map((command) => html`<pre class="curl" tabindex="0">${command}</pre>`)}
<h4>Answers</h4>
<dl class="answers">${Object.entries(responses).map(([status, answer]) => answerView(status, answer))}</dl>
</article>
`;
}

function parametersView(parameters: readonly OpenApiParameter[]): Html | undefined {
  if (parameters.length === 0) return undefined;
  const rows = parameters.map(({ name, in: place, required, description, schema }) => {
    const fallback: unknown = schema["default"];
    return html`<dt><code>${name}</code> <span class="type">${place}, ${typeOf(schema)}${required ? "" : ", optional"}</span></dt>
<dd>${description === undefined ? undefined : prose(description)}${
      fallback === undefined ? undefined : html` Default: <code>${JSON.stringify(fallback)}</code>.`
    }</dd>`;
  });
  return html`<h4>Parameters</h4><dl class="fields">${rows}</dl>`;
}

function bodyView(content: OpenApiContent, required: boolean): Html {
  const kinds = Object.entries(content).map(
    ([type, { schema }]) =>
      html`<dt><code>${type}</code> <span class="type">${typeOf(schema)}</span></dt><dd>${fieldsOf(schema)}</dd>`,
  );
  return html`<h4>Body${required ? "" : ", optional"}</h4><dl class="fields">${kinds}</dl>`;
}

function answerView(status: string, { description, content, headers }: OpenApiAnswer): Html {
  const [body] = Object.entries(content ?? {});
  const type = body === undefined ? undefined : html`<span class="type">${typeOf(body[1].schema)}</span>`;
  const named = Object.keys(headers ?? {}).filter((name) => name !== "x-request-id");
  const also =
    named.length === 0 ? undefined : html` Headers: ${named.map((name) => html`<code>${name}</code> `)}`;
  const tone = Number(status) < 400 ? "good" : "bad";
  return html`<dt class="${tone}">${status}</dt><dd>${prose(description)}${also} ${type}</dd>`;
}
