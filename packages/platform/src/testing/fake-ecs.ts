import { serve } from "./local-server.js";

export interface FakeContainer {
  readonly DockerId: string;
  readonly [field: string]: unknown;
}

/** What the metadata endpoint answers instead, until it is removed. */
export interface EcsFault {
  readonly status: number;
  readonly retryAfter?: string;
}

/** The task metadata endpoint as one container of a task sees it: itself, and the task with all its containers. */
export class FakeEcs {
  /** Value of `ECS_CONTAINER_METADATA_URI_V4` (and, for older agents, of `ECS_CONTAINER_METADATA_URI`). */
  uri = "";
  calls = 0;
  fault: EcsFault | undefined;

  constructor(
    public container: FakeContainer,
    readonly others: readonly FakeContainer[] = [],
  ) {}

  async start(version: "v3" | "v4" = "v4"): Promise<this> {
    const path = `/${version}/0123456789abcdef`;
    const url = await serve((request, response) => {
      this.calls += 1;
      const answer =
        request.url === path
          ? this.container
          : request.url === `${path}/task`
            ? { Containers: [...this.others, this.container] }
            : undefined;
      if (this.fault?.retryAfter !== undefined) response.setHeader("retry-after", this.fault.retryAfter);
      response.statusCode = this.fault?.status ?? (answer === undefined ? 404 : 200);
      response.end(JSON.stringify(answer ?? {}));
    });
    this.uri = `${url}${path}`;
    return this;
  }
}
