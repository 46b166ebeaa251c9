import { expect, test } from "vitest";
import { sourceOf } from "./source.js";

test.each([
  ["127.0.0.1:4711", "127.0.0.1"],
  ["[::ffff:192.0.2.7]:4711", "192.0.2.7"],
  ["[2001:db8:0:7:1:2:3:4]:4711", "2001:db8:0:7::/64"],
  ["[2001:DB8::7:1:2:3:4]:1", "2001:db8:0:7::/64"],
  ["[2001:db8::1]:1", "2001:db8:0:0::/64"],
  ["[fe80::1%eth0]:1", "fe80:0:0:0::/64"],
  ["[::1]:1", "0:0:0:0::/64"],
  ["memory", "memory"],
])("%s counts under %s", (address, source) => {
  expect(sourceOf(address)).toBe(source);
});
