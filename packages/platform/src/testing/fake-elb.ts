import type { ServerResponse } from "node:http";
import { bodyOf, serve } from "./local-server.js";

export interface FakeTarget {
  readonly id: string;
  readonly port: number;
  readonly state: string;
}

export type FakeFault =
  | { readonly kind: "error"; readonly status: number; readonly code: string; readonly retryAfter?: string }
  | { readonly kind: "silence" }
  | { readonly kind: "cut" };

/** The query protocol of ELBv2: forms in, XML out. */
export class FakeElb {
  url = "";
  readonly targets = new Map<string, readonly FakeTarget[]>();
  /** By action; stays until it is removed. */
  readonly faults = new Map<string, FakeFault>();
  readonly calls: string[] = [];
  deregistrationDelaySeconds = 300;

  async start(): Promise<this> {
    this.url = await serve((request, response) => {
      void bodyOf(request).then((body) => this.#answer(new URLSearchParams(body), response));
    });
    return this;
  }

  #answer(form: URLSearchParams, response: ServerResponse): void {
    const action = form.get("Action") ?? "none";
    this.calls.push(action);
    const fault = this.faults.get(action);
    if (fault?.kind === "silence") return;
    if (fault?.kind === "cut") {
      response.destroy();
      return;
    }
    response.setHeader("content-type", "text/xml");
    if (fault?.kind === "error") {
      response.statusCode = fault.status;
      if (fault.retryAfter !== undefined) response.setHeader("retry-after", fault.retryAfter);
      response.end(
        `<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>Sender</Type><Code>${fault.code}</Code><Message>no</Message></Error><RequestId>1</RequestId></ErrorResponse>`,
      );
      return;
    }
    response.end(
      `<${action}Response xmlns="${NAMESPACE}"><${action}Result>${this.#result(action, form)}</${action}Result></${action}Response>`,
    );
  }

  #result(action: string, form: URLSearchParams): string {
    switch (action) {
      case "DescribeTargetHealth": {
        const rows = this.targets.get(form.get("TargetGroupArn") ?? "") ?? [];
        return `<TargetHealthDescriptions>${rows.map(member).join("")}</TargetHealthDescriptions>`;
      }
      case "DescribeTargetGroupAttributes":
        return attribute("deregistration_delay.timeout_seconds", this.deregistrationDelaySeconds);
      case "DescribeTargetGroups":
        return "<TargetGroups><member><LoadBalancerArns><member>arn:lb</member></LoadBalancerArns></member></TargetGroups>";
      case "DescribeLoadBalancerAttributes":
        return attribute("idle_timeout.timeout_seconds", 60);
      default:
        throw new Error(`the fake has no ${action}`);
    }
  }
}

const NAMESPACE = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/";

function member({ id, port, state }: FakeTarget): string {
  return `<member><Target><Id>${id}</Id><Port>${port}</Port></Target><TargetHealth><State>${state}</State></TargetHealth></member>`;
}

function attribute(key: string, value: number): string {
  return `<Attributes><member><Key>${key}</Key><Value>${value}</Value></member></Attributes>`;
}
