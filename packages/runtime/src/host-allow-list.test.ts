import { describe, expect, it } from "vitest";
import { hostAllowList, hostNameOf, isLoopbackHost, refusedSource } from "./host-allow-list.js";

describe("a port on loopback", () => {
  const list = hostAllowList("127.0.0.1", {});

  it.each([
    "localhost",
    "localhost:7480",
    "LOCALHOST.",
    "hawser.localhost:80",
    "127.0.0.1:7480",
    "127.9.9.9",
    "[::1]:7480",
  ])("takes %s", (host) => expect(refusedSource(list, { host, origin: undefined })).toBeUndefined());

  it.each([
    "evil.example:7480",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evillocalhost",
    "192.0.2.1",
    "",
    "a:b:c",
  ])("refuses %j", (host) => expect(refusedSource(list, { host, origin: undefined })).toBe("host"));

  it("takes the names that are listed, a domain with all below it included", () => {
    const listed = hostAllowList("::1", { hosts: ["Hawser.example.org", "*.internal"] });
    for (const host of ["hawser.example.org:443", "a.b.internal", "localhost"])
      expect(refusedSource(listed, { host, origin: undefined })).toBeUndefined();
    for (const host of ["internal", "ainternal", "x.hawser.example.org"])
      expect(refusedSource(listed, { host, origin: undefined })).toBe("host");
  });
});

it("a port beyond loopback takes any name, unless some are listed", () => {
  const request = { host: "lb-7.example.org", origin: undefined };
  expect(refusedSource(hostAllowList("0.0.0.0", {}), request)).toBeUndefined();
  expect(refusedSource(hostAllowList("0.0.0.0", { hosts: ["hawser.example.org"] }), request)).toBe("host");
  expect(
    refusedSource(hostAllowList("192.0.2.7", { hosts: [] }), { ...request, host: "192.0.2.7:1" }),
  ).toBeUndefined();
});

it("a page may ask only when its origin is listed", () => {
  const list = hostAllowList("127.0.0.1", { origins: ["https://console.example.org"] });
  const from = (origin: string) => refusedSource(list, { host: "localhost", origin });
  expect(from("https://console.example.org")).toBeUndefined();
  for (const origin of ["https://evil.example", "http://console.example.org", "null", "", "http://localhost"])
    expect(from(origin)).toBe("origin");
});

it.each([
  ["[2001:db8::1]:80", "2001:db8::1"],
  ["Name.Example.:80", "name.example"],
  ["name", "name"],
])("the host of %s is %s", (authority, name) => expect(hostNameOf(authority)).toBe(name));

it.each(["::1", "[::1]", "127.0.0.1", "localhost"])("%s is loopback", (host) =>
  expect(isLoopbackHost(host)).toBe(true),
);
it.each(["::", "0.0.0.0", "10.0.0.1", "::ffff:10.0.0.1"])("%s is not", (host) =>
  expect(isLoopbackHost(host)).toBe(false),
);
