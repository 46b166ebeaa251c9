import { createHash } from "node:crypto";
import { createPrincipal } from "@hawser/principal";
import { createMemoryStore } from "@hawser/store";
import { Hono } from "hono";
import { expect, it } from "vitest";
import { createApi, type ApiOptions } from "../../api.js";
import { html, prose } from "./html.js";

async function page(
  options: Partial<ApiOptions> = {},
  url = "http://127.0.0.1:7481/docs",
): Promise<[string, Headers]> {
  const principal = createPrincipal({ store: createMemoryStore(), acceptors: [], listen: { port: 0 } });
  const response = await createApi({ principal, ...options }).request(url);
  expect(response.status).toBe(200);
  return [await response.text(), response.headers];
}

it("is whole in itself: no script, and nothing that would be loaded", async () => {
  const [text, headers] = await page();
  expect(text).not.toMatch(
    /<(script|link|img|iframe|object|embed|base|form)\b|\son\w+=|\sstyle=|@import|url\(/i,
  );
  expect(text.match(/(?:src|href)="(?!#)[^"]*"/g)).toEqual(['href="openapi.json"']);
  const styles = [...text.matchAll(/<style>([^]*?)<\/style>/g)].map(([, style = ""]) => style);
  const hash = createHash("sha256").update(styles.join("")).digest("base64");
  expect(styles).toHaveLength(1);
  expect(headers.get("content-security-policy")).toBe(
    `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  );
  expect(headers.get("content-type")).toContain("text/html");
});

it("shows each operation and each schema once, and every link on it leads somewhere", async () => {
  const [text] = await page();
  const ids = [...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const [, target] of text.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(target);
  expect(ids).toEqual(expect.arrayContaining(["sendEvent", "streamAgents", "putResource", "schema-Problem"]));
});

it("has a command for each operation, and one more for a batch, that goes to where the page came from, or to where its reader says", async () => {
  const [text] = await page({}, "https://hawser.example:8443/docs");
  const commands = [...text.matchAll(/<pre class="curl"[^>]*>([^]*?)<\/pre>/g)].map(
    ([, command = ""]) => command,
  );
  expect(commands).toHaveLength([...text.matchAll(/<article id="(?!schema-)/g)].length + 1);
  for (const command of commands) expect(command).toMatch(/&quot;\$API\/[\w/.:-]*&quot;$/);
  expect(text).toContain("<code>API=&#39;https://hawser.example:8443&#39;</code>");
});

it("shows the token where one is wanted, and only there", async () => {
  const [open] = await page();
  expect(open).not.toContain("$TOKEN");
  const [secured] = await page({ token: "secret-of-this-test" });
  const after = (id: string): string =>
    secured.slice(secured.indexOf(`<article id="${id}"`)).split("</article>")[0] ?? "";
  expect(after("listAgents")).toContain("Bearer $TOKEN");
  expect(after("getLiveness")).not.toContain("$TOKEN");
  expect(secured).not.toContain("secret-of-this-test");
});

it("escapes whatever is put into it", () => {
  const mean = `<script>"'&`;
  expect(html`<p title="${mean}">${[mean, undefined, 1]}</p>`.text).toBe(
    '<p title="&lt;script&gt;&quot;&#39;&amp;">&lt;script&gt;&quot;&#39;&amp;1</p>',
  );
  expect(prose("a `b<` c").text).toBe("a <code>b&lt;</code> c");
});

it("puts nothing of the request into the page that could act", async () => {
  const principal = createPrincipal({ store: createMemoryStore(), acceptors: [] });
  const app = createApi({ principal });
  const response = await app.request(new Request("http://a'$(id).example/docs"));
  const text = await response.text();
  expect(text).not.toContain("a'$(id)");
  expect(text).toContain("a&#39;\\&#39;&#39;$(id).example");
});

it("leads from its root to the page and to the document, wherever the API is mounted", async () => {
  const principal = createPrincipal({ store: createMemoryStore(), acceptors: [] });
  const app = createApi({ principal });
  const outer = new Hono().mount("/hawser", app.fetch);
  const root = await outer.request("/hawser/");
  expect(root.status).toBe(302);
  const docs = new URL(root.headers.get("location") ?? "", "http://principal.example/hawser/");
  expect(docs.pathname).toBe("/hawser/docs");
  const page = await outer.request(docs);
  const [, link = ""] = /<a href="([^"#]+)"/.exec(await page.text()) ?? [];
  const document = new URL(link, docs);
  const { servers } = (await (await outer.request(document)).json()) as { servers: { url: string }[] };
  expect(servers.map(({ url }) => new URL(url, document).pathname)).toEqual(["/hawser/"]);
});
