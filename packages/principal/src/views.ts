import type { Checked, ErrorCode, JsonValue } from "@hawser/protocol";

/** An agent as people see it. Times are Unix milliseconds. */
export interface AgentView {
  readonly name: string;
  readonly state: "connected" | "disconnected";
  /** Why it is in this state, in a sentence: how its last session ended, or that none was seen since this principal started. */
  readonly reason: string;
  /** The session that is there, if one is. */
  readonly session:
    | {
        readonly id: string;
        readonly epoch: number;
        readonly transport: string;
        readonly address: string;
        /** Whether it came in by the control plane's own port. */
        readonly internal: boolean;
        readonly software: string;
        readonly connectedAt: number;
        readonly ageMs: number;
        /** Events sent and not yet acknowledged. */
        readonly inFlight: number;
      }
    | undefined;
  /** When anything was heard from it last, heartbeats among it, since this principal started. */
  readonly lastSeenAt: number | undefined;
  readonly lastAckAt: number | undefined;
  /** Accepted events that it has not acknowledged. */
  readonly pending: number;
  readonly deadLetters: number;
  readonly mailboxBytes: number;
  readonly lastVersion: number;
  /** False: nobody has ever come by this name, or not since it was removed. */
  readonly everConnected: boolean;
}

/**
 * Why an accepted event is not acknowledged, of the event of the resource whose turn it is. Times are Unix milliseconds.
 *
 * `message` says the same as a sentence, whose subject is the agent or the event.
 */
export type WaitView = { readonly message: string } & WaitReason;

/** What an accepted event waits for. */
export type WaitReason =
  | { readonly reason: "never_connected" }
  /** `since` is undefined when it was not here since this principal started. */
  | { readonly reason: "disconnected"; readonly since: number | undefined }
  /** Sent, and the agent has not answered: it may be applying it. */
  | ({
      readonly reason: "unanswered";
      /** Sends of this session. */
      readonly attempts: number;
      readonly since: number;
      readonly nextTryAt: number;
      /** Why the agent did not apply it the time before. */
      readonly refused: RefusedView | undefined;
    } & EventAhead)
  /** The agent did not apply it for now, and it is sent again. */
  | ({
      readonly reason: "nacked";
      readonly nextTryAt: number;
      readonly refused: RefusedView;
    } & EventAhead)
  /** The agent answers for as many events, or bytes of them, as it accepts at once. */
  | ({ readonly reason: "window_full" } & EventAhead)
  /** On its way: it is read from the mailbox, sent with the next frames, or settled in this moment. */
  | ({ readonly reason: "queued" } & EventAhead);

/** Of a resource with several events, or in the place of another one. */
export interface EventAhead {
  /**
   * `eventid` of an earlier event of the resource, or of the delete of the one before it under its name, that has to be answered first. Undefined when it is the newest itself
   * that waits.
   */
  readonly behind: string | undefined;
  /** Uid of the resource of the same kind and name whose delete that is; `reason` tells what the delete waits for. Undefined when there is none. */
  readonly oldUid: string | undefined;
}

/** That an agent did not apply an event, in this session. */
export interface RefusedView {
  readonly times: number;
  readonly code: ErrorCode;
  /** At most 256 characters of it. */
  readonly message: string;
}

/**
 * A resource of an agent: what was asked for, and what the agent made of it.
 *
 * @typeParam Spec what `spec` is, as far as it is known
 * @typeParam Status what `status` is, as far as it is known
 */
export interface ResourceView<Spec = JsonValue, Status = JsonValue> {
  readonly agent: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  /**
   * `pending`: the newest spec is accepted and not acknowledged. `delivered`: the agent applied it. `refused`: it did not and will not; the dead letter says why,
   * unless it was discarded. `purged`: it was thrown away before it was acknowledged, and nothing sends it until it is put again. `deleting`: a delete is accepted and not acknowledged; after that the resource is gone.
   */
  readonly state: "pending" | "delivered" | "refused" | "purged" | "deleting";
  /** Why it is `pending` or `deleting`; undefined in any other state. */
  readonly waiting: WaitView | undefined;
  /** `eventid` of the newest spec or delete. */
  readonly version: string;
  /** Null while it is `deleting`. */
  readonly spec: Spec;
  /** What the agent reported last; undefined before it did. */
  readonly status: Status | undefined;
  /** `eventid` of the spec that status reflects: the agent's truth lags when it differs from `version`. */
  readonly observedVersion: string | undefined;
  /** Unix milliseconds. */
  readonly updatedAt: number | undefined;
  readonly statusAt: number | undefined;
}

/** An agent that was removed, and whose name is refused until it is readmitted. */
export interface RemovedAgentView {
  readonly name: string;
  /** Unix milliseconds. */
  readonly removedAt: number;
}

/**
 * A resource of a kind that is written down, with its spec and status held against the schemas: `{ ok: true, value }`, or what is wrong with it and how it is (`raw`), for it may come from
 * another version of the kind, from a program that does not know the kind, or from an agent that could not say it (`{ state: "unreportable" }`). Without a schema for statuses each is `ok`.
 */
export type KindView<Spec, Status> = ResourceView<Checked<Spec> | null, Checked<Status>>;

/** An event the agent refused for good, or that expired. */
export interface DeadLetterView {
  readonly agent: string;
  readonly resourceid: string;
  readonly eventid: string;
  readonly type: string;
  readonly subject: string | undefined;
  readonly code: string;
  readonly message: string;
  readonly at: number;
}

/** What agents prove about the store of their principal: that it was rolled back, put back and started without `hawser adopt`. */
export interface RollbackReport {
  /** How many of them: those that connected since and were refused. One alone may be the one that is wrong. */
  readonly agents: number;
  /** What the first of them proved. */
  readonly message: string;
  /** When. Unix milliseconds. */
  readonly since: number;
}

/** What a purge did. */
export interface PurgeReport {
  /** Events that were thrown away. */
  readonly purged: number;
  /** Of those: sent in the present session and not answered. The agent may have applied them, or may yet; nothing sends them again. */
  readonly inFlight: number;
  /** Events that are pending for the agent now, those accepted meanwhile included. */
  readonly left: number;
}
