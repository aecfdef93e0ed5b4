/** The one typed picture of etalon_mpi.node. A failure is an Error whose message names call and ranks. The first call begins MPI. */
export interface MpiBinding {
  open(): Promise<RawRanks>;
  /** Lets NCCL carry long messages from here on, by the library at a path. All ranks call it. Version and GPU, in words. A failure with the code ETALON_REFUSED is one of all ranks. */
  useNccl(path: string): Promise<string>;
  allreduce(values: Float32Array | Float64Array): Promise<void>;
  allgather(bytes: Uint8Array): Promise<Uint8Array[]>;
  broadcast(bytes: Uint8Array, root: number): Promise<void>;
  barrier(): Promise<void>;
  /** Waits for all ranks, then ends MPI. */
  finalise(): Promise<void>;
  /** The same here and now, without waiting for a promise: at the process's end. */
  finaliseAtExit(): void;
  /** Ends the processes of all ranks with a code; does not return. */
  abort(code: number): never;
  /** What the communication thread waits for: since how many seconds (0: for nothing), in which call, and for which ranks. */
  waiting(): { seconds: number; what: string; ranks: number[] };
  /** Name and version of the MPI library. */
  library(): string;
  /** Versions of NCCL and of CUDA's runtime, by the library at a path. */
  ncclVersions(path: string): string;
}

/** The ranks that MPI knows of. */
export interface RawRanks {
  rank: number;
  size: number;
  localRank: number;
  localSize: number;
  hosts: string[];
}
