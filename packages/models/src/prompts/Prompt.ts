/** A prompt as a file has it. */
export interface Prompt {
  text: string;
  /** Where the file says so: whether it is kept out of training. */
  heldOut?: boolean;
  /** What else the file says of it. */
  metadata?: Readonly<Record<string, unknown>>;
  /** Where it stands, from 1. */
  line: number;
}
