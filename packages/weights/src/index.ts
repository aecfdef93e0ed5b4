export { EtalonError } from "@etalon/errors";
export type { Dtype, StoredTensor, TensorData } from "./dtype.ts";
export { fromFloat32, toFloat32 } from "./float16.ts";
export type { FetchProgress } from "./hub/fetchSnapshot.ts";
export { type RepoId, readRepoId } from "./hub/RepoId.ts";
export { type SnapshotOptions, snapshot } from "./hub/snapshot.ts";
export { readSafetensors, type SafetensorsFile } from "./readSafetensors.ts";
export { readTorch } from "./readTorch.ts";
export { writeSafetensors } from "./writeSafetensors.ts";
