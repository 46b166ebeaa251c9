import { expect, it } from "vitest";
import { proxyOf } from "./proxy-of.js";

const url = "wss://principal.example";
const env = { HTTPS_PROXY: "http://env:1", HTTP_PROXY: "http://plain:1", NO_PROXY: "a.example" };

it.each([
  [{ url, proxy: undefined, noProxy: undefined }, {}, undefined],
  [
    { url, proxy: undefined, noProxy: undefined },
    env,
    { url: "http://env:1", exceptions: "a.example", from: "HTTPS_PROXY" },
  ],
  [
    { url: "ws://principal.example", proxy: undefined, noProxy: undefined },
    env,
    { url: "http://plain:1", exceptions: "a.example", from: "HTTP_PROXY" },
  ],
  [
    { url, proxy: "http://set:1", noProxy: undefined },
    env,
    { url: "http://set:1", exceptions: "a.example", from: "--proxy" },
  ],
  [
    { url, proxy: "http://set:1", noProxy: "*" },
    env,
    { url: "http://set:1", exceptions: "*", from: "--proxy" },
  ],
  [
    { url, proxy: undefined, noProxy: "b" },
    env,
    { url: "http://env:1", exceptions: "b", from: "HTTPS_PROXY" },
  ],
  [{ url, proxy: "none", noProxy: undefined }, env, undefined],
])("%j in %j: %j", (settings, environment, expected) => {
  expect(proxyOf(settings, environment)).toEqual(expected);
});
