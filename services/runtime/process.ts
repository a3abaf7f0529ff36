/** A service as a process: one JSON line once it is ready or cannot be, signals to end it, an exit code. */
import { isAssayError } from "@assay/protocol/errors";

export interface Service {
  /** Ends it in order. */
  stop(): Promise<void>;
  /** Resolves when it has stopped; rejects when it had to. */
  readonly finished: Promise<void>;
}

export interface ProcessParts<S extends Service> {
  readonly start: () => Promise<S>;
  /** What the line says beside `ready: true`. */
  readonly ready: (service: S) => Readonly<Record<string, unknown>>;
  /** Code of an error that has none. */
  readonly unexpected: string;
  /** What further signals do. */
  readonly signals?: Readonly<Partial<Record<NodeJS.Signals, (service: S) => void>>>;
}

/**
 * Runs a service until it has stopped and leaves the process: with 0; with 2 where the person who started it has to do something
 * first; with 1 for anything else; with 130 at a second SIGINT or SIGTERM, at once.
 */
export const runProcess = async <S extends Service>(parts: ProcessParts<S>): Promise<never> => {
  try {
    const service = await parts.start();
    // Before the line: whoever waits for it may send a signal at once.
    listen(service, parts.signals ?? {});
    say({ ready: true, ...parts.ready(service) });
    await service.finished;
    return process.exit(0);
  } catch (error) {
    const coded = isAssayError(error);
    say({
      ready: false,
      code: coded ? error.code : parts.unexpected,
      message: error instanceof Error ? error.message : String(error),
      remedy: coded ? error.remedy : undefined,
    });
    return process.exit(coded && !error.retryable ? 2 : 1);
  }
};

const listen = <S extends Service>(
  service: S,
  signals: NonNullable<ProcessParts<S>["signals"]>,
): void => {
  let asked = 0;
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => {
      if (++asked > 1) process.exit(130);
      void service.stop();
    });
  // Whoever started this process over IPC is gone.
  process.once("disconnect", () => void service.stop());
  for (const [signal, act] of Object.entries(signals)) process.on(signal, () => act(service));
};

const say = (line: Readonly<Record<string, unknown>>): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};
