import { list, setting } from "@hawser/service";
import { z } from "zod";

/** What stands between agents and this principal. */
export const frontSettings = {
  basePath: setting(
    "<path>",
    "what precedes the path of an agent's request, where a proxy in front passes it on as it is, such as /hawser; default none",
    z
      .string("is not a text")
      .regex(/^(?:\/[^?#\s]*)?$/, "does not begin with a slash")
      .default(""),
  ),
  proxyProtocol: setting(
    "<list>",
    "addresses and networks of load balancers that send the PROXY protocol, such as 10.0.0.0/8; default none",
    list().default([]),
  ),
} as const;
