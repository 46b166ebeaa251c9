import { ProxyTracerProvider, trace, type TracerProvider } from "@opentelemetry/api";
import type { Timers } from "@hawser/runtime";

/** True when an SDK, loaded first, registered a tracer provider: otherwise there are no spans. */
export function isTracingRegistered(): boolean {
  const provider = trace.getTracerProvider();
  // Another copy of the API has its own proxy class.
  if (!(provider instanceof ProxyTracerProvider)) return true;
  return provider.getDelegate() !== new ProxyTracerProvider().getDelegate();
}

/** Exports the SDK's spans within `timeoutMs`. The exporter reports its own errors. */
export async function flush(provider: TracerProvider, timers: Timers, timeoutMs: number): Promise<void> {
  const forceFlush = flushOf(provider);
  if (forceFlush === undefined) return;
  await new Promise<void>((resolve) => {
    const late = timers.after(timeoutMs, resolve);
    const flushed = (): void => {
      late.cancel();
      resolve();
    };
    forceFlush().then(flushed, flushed);
  });
}

// The API lacks the method. Every SDK's provider has it, behind the API's proxy.
function flushOf(provider: object): (() => Promise<unknown>) | undefined {
  if ("forceFlush" in provider && typeof provider.forceFlush === "function") {
    const { forceFlush } = provider;
    return async () => forceFlush.call(provider);
  }
  if (!("getDelegate" in provider) || typeof provider.getDelegate !== "function") return undefined;
  const delegate: unknown = provider.getDelegate();
  return typeof delegate === "object" && delegate !== null && delegate !== provider
    ? flushOf(delegate)
    : undefined;
}
