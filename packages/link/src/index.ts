export type { LinkObserver } from "./link-observer.js";
export type { LinkSession } from "./link-session.js";
export { Link, type Admission, type LinkDoor, type LinkOptions, type LinkPeer } from "./link.js";
export {
  Receiver,
  type Delivery,
  type Outcome,
  type ReceiverOptions,
  type ReplySink,
} from "./receiver.js";
