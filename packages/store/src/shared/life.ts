import type { StoreUse } from "../contract/store.js";
import type { Link } from "./link.js";

/** The lease of a mailbox, as those see it who look at the client that holds it. */
export interface LifeLease {
  /** Another client claims the mailbox, or has. */
  isTaken: boolean;
  readonly look: { readonly isHeld: boolean };
  close(): Promise<void>;
}

/** One life of a client, as the server knows it: from its start to its stop. */
export class Life {
  readonly name: string;
  readonly link: Link;
  /** Those that are held, by peer. */
  readonly leases = new Map<string, LifeLease>();
  /** Mailboxes its handlers need, by what the client names each use with. */
  readonly uses = new Map<object, { release(): void }>();
  /** Tells the client that another life has taken its place. */
  readonly onFenced: () => void;
  /** Tells the client whose row changed. */
  readonly onChanged: (peer: string) => void;
  /** The contents are open while somebody lives. */
  storeUse: StoreUse | undefined;
  isWatching = false;
  stage: "new" | "member" | "ended" = "new";
  since = 0;
  seenAt = 0;
  /** On the monotonic clock. */
  heardAt = 0;

  constructor(
    name: string,
    link: Link,
    on: { readonly fenced: () => void; readonly changed: (peer: string) => void },
  ) {
    this.name = name;
    this.link = link;
    this.onFenced = on.fenced;
    this.onChanged = on.changed;
  }
}
