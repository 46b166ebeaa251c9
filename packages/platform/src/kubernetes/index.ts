export {
  createKubernetesWatcher,
  type KubernetesLimits,
  type KubernetesWatcher,
  type KubernetesWatcherOptions,
} from "./kubernetes-watcher.js";
export type { KubernetesSignal } from "./kubernetes-signal.js";
