import { expect, it } from "vitest";
import { clientAddressOf } from "./served-by.js";

it.each([
  ["127.0.0.1", "127.0.0.1"],
  ["::ffff:10.1.2.3", "10.1.2.3"],
  ["::1", "0:0:0:0::/64"],
  ["fd00::7", "fd00:0:0:0::/64"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:0db8:0001:0002::9", "2001:db8:1:2::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  [undefined, "local"],
])("%s counts as %s", (address, client) => {
  expect(clientAddressOf(address)).toBe(client);
});
