/** What went wrong, in a form that programs, logs and people can each use. */
export interface AssayErrorDetails {
  /** What to do or type next. */
  readonly remedy?: string;
  /** Whether the same call may succeed later without any change. */
  readonly retryable?: boolean;
  /** Offending values, safe to print. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * Every error that leaves a public function. `code` is stable (SCREAMING_SNAKE_CASE, part of the interface: tests and
 * callers match on it); the message is for people and may change.
 */
export class AssayError extends Error {
  readonly code: string;
  readonly remedy: string | undefined;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, more: AssayErrorDetails = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = "AssayError";
    this.code = code;
    this.remedy = more.remedy;
    this.retryable = more.retryable ?? false;
    this.details = more.details ?? {};
  }
}

/** True for an {@link AssayError}, with this code if one is given. */
export const isAssayError = (error: unknown, code?: string): error is AssayError =>
  error instanceof AssayError && (code === undefined || error.code === code);
