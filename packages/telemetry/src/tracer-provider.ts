import { ProxyTracerProvider, trace, type TracerProvider } from "@opentelemetry/api";
import type { Timers } from "@hawser/runtime";

/** True when a tracer provider was registered for the process, by an SDK that was loaded first: only then are there spans to be had. */
export function isTracingRegistered(): boolean {
  const provider = trace.getTracerProvider();
  // Registered by another copy of the API, it is a proxy of another class.
  if (!(provider instanceof ProxyTracerProvider)) return true;
  return provider.getDelegate() !== new ProxyTracerProvider().getDelegate();
}

/** Has the SDK export what it holds, for no longer than that. What goes wrong is the exporter's to tell. */
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

// The API has no word for it; every SDK's provider has the method, behind the API's proxy.
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
