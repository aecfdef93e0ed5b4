/** What may work when it is tried again: a connection that was cut, a server that is busy. */
export class TemporaryFailure extends Error {
  /** Milliseconds to wait, where the server said so. */
  readonly after: number | undefined;

  constructor(message: string, after?: number, cause?: unknown) {
    super(message, { cause });
    this.after = after;
  }
}
