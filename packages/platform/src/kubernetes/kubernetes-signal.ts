/**
 * What counts as being taken away: `pod`, own pod gets a deletionTimestamp; `endpoints`, own address (`address`, else POD_IP) leaves the ready endpoints of
 * `service`, which it also does when readiness fails.
 */
export type KubernetesSignal =
  | { readonly kind: "pod" }
  | { readonly kind: "endpoints"; readonly service: string; readonly address?: string };
