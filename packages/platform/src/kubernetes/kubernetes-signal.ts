/**
 * The drain signal: `pod`, a deletionTimestamp of the own pod; `endpoints`, the own address
 * (`address`, else POD_IP) leaves the ready endpoints of `service`, as it also does when readiness
 * fails.
 */
export type KubernetesSignal =
  | { readonly kind: "pod" }
  | { readonly kind: "endpoints"; readonly service: string; readonly address?: string };
