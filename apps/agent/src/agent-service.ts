import { join } from "node:path";
import { createAgent, type Agent, type AgentOptions } from "@hawser/agent";
import { defined, type Lifecycle, type Logger, type Runtime } from "@hawser/runtime";
import { FileReloader, type HostPort, type Inherited } from "@hawser/service";
import { createJournalStore } from "@hawser/store-journal";
import { dataDirOf, sendsTokenInTheClear } from "./check-settings.js";
import { ConfigFileHandler } from "./config-file/config-file-handler.js";
import { Credentials } from "./credentials.js";
import { openEventSocket, type OpenEventSocket } from "./event-socket/open-event-socket.js";
import { confinementOf, taskPolicyOf } from "./machine-settings.js";
import { createPrincipalDialer } from "./principal-dialer.js";
import { isSecure } from "./principal-url.js";
import { createAgentHealth, type AgentHealth } from "./health/agent-health.js";
import type { AgentSettings } from "./settings.js";
import { TaskHandler } from "./task/task-handler.js";
import { VERSION } from "./version.js";

/**
 * The goodbye gets a third of --stop-grace, handlers that run get a third to finish, and what is left is for the Tasks and the store. What one of them does not use is the next
 * one's.
 */
const GOODBYE_SHARE = 3;
/** Of --stop-grace: when the Tasks have ended at the latest, so that the store has the rest. */
const TASKS_SHARE = 0.85;

/** What is told when it is ready. */
export interface AgentReady {
  readonly name: string;
  readonly url: string;
  readonly dataDir: string;
  /** Absent: ConfigFile is off. */
  readonly configFileRoot?: string;
  /** The Unix socket that takes events of programs on this machine. Absent: it is off, or could not be made. */
  readonly socket?: string;
  readonly health?: HostPort;
  /** What protects the connection, and what it is known by. */
  readonly security: { readonly tls: boolean; readonly token: boolean; readonly clientCertificate: boolean };
}

export interface AgentService extends Lifecycle<AgentReady> {
  /** What its stop still waits for. */
  readonly waitsFor: string | undefined;
  readonly agent: Agent;
  /** The credentials are looked at now, and an agent that waits because it was refused dials at once. */
  reload(): Promise<void>;
}

/** Wires store, transport, handlers and agent together, and starts and stops them in the right order. */
export function createService(settings: AgentSettings, runtime: Runtime, inherited: Inherited): AgentService {
  return new HostedAgent(settings, runtime, inherited);
}

class HostedAgent implements AgentService {
  readonly agent: Agent;
  readonly #settings: AgentSettings;
  readonly #runtime: Runtime;
  readonly #dataDir: string;
  readonly #store: AgentOptions["store"];
  readonly #tasks: TaskHandler;
  readonly #health: AgentHealth | undefined;
  readonly #reloader: FileReloader;
  #socket: OpenEventSocket | undefined;
  #stopping: Promise<void> | undefined;
  #waitsFor: string | undefined;

  constructor(settings: AgentSettings, runtime: Runtime, inherited: Inherited) {
    this.#settings = settings;
    this.#runtime = runtime;
    this.#dataDir = dataDirOf(settings);
    this.#store = createJournalStore({ directory: join(this.#dataDir, "store"), runtime });
    const credentials = new Credentials(settings, runtime.logger);
    const taskPolicy = taskPolicyOf(settings);
    const stateDirectory = join(this.#dataDir, "handlers");
    this.#tasks = new TaskHandler({
      runtime,
      stateDirectory,
      maxTasks: settings.taskMax,
      outputLines: settings.taskOutputLines,
      outputHistoryBytes: settings.taskOutputHistory,
      maxStopGraceMs: settings.taskMaxStopGrace,
      cgroup: settings.taskCgroup,
      confinement: confinementOf(settings, taskPolicy.policy, inherited),
    });
    const watched = { agent: () => this.agent, pendingEvents: () => this.#pendingEvents() };
    this.#health = createAgentHealth(settings, watched, runtime);
    this.agent = createAgent({
      ...agentSettings(settings),
      ...defined({ observer: this.#health?.observer }),
      store: this.#store,
      dialer: createPrincipalDialer(settings, credentials, runtime),
      // A kind that is off has its handler all the same: it refuses with what turns it on, and cleans up what it made when it was on.
      handlers: { ConfigFile: configFileHandler(settings, stateDirectory, runtime), Task: this.#tasks },
      runtime,
    });
    const groups = [...credentials.reloadable(() => this.#connectIfRefused()), ...taskPolicy.reloadable];
    this.#reloader = new FileReloader({ runtime, groups });
    if (settings.allowClearTextToken && sendsTokenInTheClear(settings))
      runtime.logger.warn({}, `the token goes to ${settings.url} in clear text (--allow-clear-text-token)`);
  }

  get waitsFor(): string | undefined {
    return this.#waitsFor;
  }

  // Whoever sends the signal may have mended something at the principal, too.
  async reload(): Promise<void> {
    await this.#reloader.reload("signal");
    this.#connectIfRefused();
  }

  async start(): Promise<AgentReady> {
    const settings = this.#settings;
    warnAboutInit(settings, this.#runtime.logger);
    const health = await this.#health?.start();
    // The store first: whoever has it has the data directory, and only then may what an earlier agent left running be ended.
    try {
      await this.#store.start();
      await this.#tasks.start();
      await this.agent.start();
      this.#socket = await openEventSocket(settings, this.#dataDir, this.agent, this.#runtime);
    } catch (thrown) {
      await this.#stop();
      throw thrown;
    }
    await this.#reloader.start();
    return {
      name: settings.name,
      url: settings.url,
      dataDir: this.#dataDir,
      ...defined({ configFileRoot: settings.configFileRoot, socket: this.#socket?.path, health }),
      security: {
        tls: isSecure(settings.url),
        token: settings.tokenFile !== undefined,
        clientCertificate: settings.tlsCert !== undefined,
      },
    };
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const { stopGrace } = this.#settings;
    this.#reloader.stop();
    this.#tasks.stopWithin(stopGrace * TASKS_SHARE);
    this.#waitsFor = "programs that hand it events";
    await this.#socket?.stop();
    this.#waitsFor = "the goodbye to the principal and the handlers";
    await this.agent.stop({ graceMs: stopGrace / GOODBYE_SHARE });
    await this.#health?.stop();
    this.#waitsFor = `the store in ${this.#dataDir}`;
    await this.#store.stop();
  }

  #connectIfRefused(): void {
    if (this.agent.credentialsChanged())
      this.#runtime.logger.info({}, "credentials changed; connecting at once");
  }

  /** An agent's store has one peer. */
  #pendingEvents(): Promise<number | undefined> {
    return this.#store.peers({ limit: 1 }).then(
      ([own]) => own?.pending ?? 0,
      () => undefined,
    );
  }
}

/** The options of the agent that are settings and nothing else. */
function agentSettings(settings: AgentSettings) {
  const { checkInterval } = settings;
  return {
    name: settings.name,
    window: settings.window,
    windowBytes: settings.windowBytes,
    timing: {
      rotationMinMs: Math.round(settings.rotationMin),
      rotationMaxMs: Math.round(settings.rotationMax),
    },
    checkIntervalMs: checkInterval === 0 ? null : Math.round(checkInterval),
    reconnect: { backoffMaxMs: Math.round(settings.reconnectMax) },
    software: `hawser-agent/${VERSION}`,
  } satisfies Partial<AgentOptions>;
}

function configFileHandler(
  settings: AgentSettings,
  stateDirectory: string,
  { clock }: Runtime,
): ConfigFileHandler {
  return new ConfigFileHandler({
    root: settings.configFileRoot,
    stateDirectory,
    maxFiles: settings.configFileMax,
    maxBytes: settings.configFileMaxBytes,
    maxMode: settings.configFileMaxMode,
    drift: settings.configFileDrift,
    now: () => clock.wallTime(),
  });
}

/** Process 1 inherits every process whose parent is gone, and has to wait for it; Node does not. */
function warnAboutInit({ taskAllow, taskAllowAnyCommand }: AgentSettings, logger: Logger): void {
  if (process.pid !== 1 || (taskAllow === undefined && !taskAllowAnyCommand)) return;
  logger.warn(
    {},
    "this agent is process 1 and does not reap what its Tasks leave behind; run it below an init (docker run --init, compose init: true, Kubernetes shareProcessNamespace: true)",
  );
}
