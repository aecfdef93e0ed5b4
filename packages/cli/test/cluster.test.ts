import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleSource, mpiMissing, rankEnvironment } from "@etalon/testkit";
import { mergeConfig } from "@etalon/trainers";
import { afterAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { etalon } from "./inProcess.ts";

const repository = resolve(import.meta.dirname, "../../..");
const cluster = join(repository, "examples/cluster");
const here = mkdtempSync(join(tmpdir(), "etalon-cluster-"));
const missing = mpiMissing();
if (missing) console.warn(`SKIPPED: the batch file's job among ranks: ${missing}`);
afterAll(() => rmSync(here, { recursive: true, force: true }));

/** Holds that a launcher's command is `node_modules/.bin/etalon …` with a config and options that the command line takes. @returns the config, its defaults filled in */
async function takes(command: readonly string[]) {
  const at = command.indexOf("node_modules/.bin/etalon");
  expect(at).toBeGreaterThan(0);
  const args = command.slice(at + 1).map((arg) => (arg.startsWith("examples/") ? join(repository, arg) : arg));
  const { code, stdout, stderr } = await etalon(...args, "--dry-run");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

const whole = (v: unknown) => Number.isInteger(v) && (v as number) >= 0;
const words = (v: unknown) => typeof v === "string" && v !== "";
const list = (v: unknown) => Array.isArray(v) && v.every(words);
const limits = { limits: (v: unknown) => Object.values(v as object).every((one) => /^\d+(m|[KMG]i)?$/.test(one)) };
const container = { name: words, image: words, workingDir: words, command: list, args: list, resources: limits, volumeMounts: [{ name: words, mountPath: words }] }; // biome-ignore format: one thought
const pod = { terminationGracePeriodSeconds: whole, containers: [container], volumes: [{ name: words, persistentVolumeClaim: { claimName: words } }] }; // biome-ignore format: one thought
const replica = { replicas: whole, restartPolicy: ["Never", "OnFailure"], template: { metadata: {}, spec: pod } };
/**
 * The fields of a kubeflow.org/v2beta1 MPIJob and what they take, as the MPI operator's types have them (kubeflow/mpi-operator, pkg/apis/kubeflow/v2beta1/types.go); of a pod's template those of
 * Kubernetes' core/v1 that the example uses.
 */
const mpiJob = {
  apiVersion: ["kubeflow.org/v2beta1"],
  kind: ["MPIJob"],
  metadata: { name: words, namespace: words },
  spec: {
    slotsPerWorker: whole,
    runLauncherAsWorker: (v: unknown) => typeof v === "boolean",
    runPolicy: { cleanPodPolicy: ["None", "Running", "All"], ttlSecondsAfterFinished: whole, activeDeadlineSeconds: whole, backoffLimit: whole, suspend: (v: unknown) => typeof v === "boolean", managedBy: words }, // biome-ignore format: one thought
    mpiReplicaSpecs: { Launcher: replica, Worker: replica },
    sshAuthMountPath: words,
    launcherCreationPolicy: ["AtStartup", "WaitForWorkersReady"],
    mpiImplementation: ["OpenMPI", "Intel", "MPICH"],
  },
};

/** Paths of fields that are not in `schema`, or have what they do not take: a word of a list, what a function accepts. */
function wrongFields(value: unknown, schema: unknown = mpiJob, path = ""): string[] {
  if (typeof schema === "function") return schema(value) ? [] : [path];
  if (Array.isArray(schema) && typeof schema[0] === "string") return schema.includes(value) ? [] : [path];
  if (Array.isArray(schema)) return Array.isArray(value) ? value.flatMap((one, i) => wrongFields(one, schema[0], `${path}.${i}`)) : [path]; // biome-ignore format: one thought
  if (typeof value !== "object" || value === null || typeof schema !== "object") return [path];
  return Object.entries(value).flatMap(([key, one]) => wrongFields(one, (schema as Record<string, unknown>)[key], path === "" ? key : `${path}.${key}`)); // biome-ignore format: one thought
}

describe("examples/cluster", () => {
  test("the batch file is a shell's, and what it gives to srun the command line takes", async () => {
    const srun = join(here, "srun");
    writeFileSync(srun, '#!/bin/sh\nprintf "%s\\n" "$@"\n');
    chmodSync(srun, 0o755);
    const script = join(cluster, "etalon.sbatch");
    expect(spawnSync("bash", ["-n", script], { encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
    const options = readFileSync(script, "utf8").match(/^#SBATCH --[a-z-]+=\S+$/gm) ?? [];
    expect(options).toContain("#SBATCH --signal=USR2@180"); // which interruptSignal hears
    const run = (env: Record<string, string> = {}) =>
      spawnSync("bash", [script], { encoding: "utf8", env: { ...process.env, PATH: `${here}:${process.env.PATH}`, ...env } }); // biome-ignore format: one thought
    const { stdout, stderr, status } = run();
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    const command = stdout.trim().split("\n");
    const ranks = ["nodes", "ntasks-per-node"].map((name) => Number(options.join("\n").match(`--${name}=(\\d+)`)?.[1]));
    const { train } = await takes(command);
    expect(train.promptsPerEpoch % (ranks[0] * ranks[1])).toBe(0);
    expect(run({ RUN: "runs/a b" }).stdout.trim().split("\n").slice(-2)).toEqual(["-o", "runs/a b"]);
  });

  test.skipIf(missing)("the batch file trains among ranks, and submitted again goes on where it was", async () => {
    const program = await bundleSource(new URL("etalon.ts", import.meta.url), new URL("../", import.meta.url));
    const bin = join(here, "bin");
    mkdirSync(bin);
    // Two ranks of what srun is given, by mpirun; the command from its sources.
    const srun = [
      "#!/bin/bash",
      "while [[ $1 == --* ]]; do shift; done",
      "[[ $1 == node_modules/.bin/etalon ]] || exit 64",
      `exec mpirun -n 2 "$NODE" "$PROGRAM" "\${@:2}"`,
    ];
    writeFileSync(join(bin, "srun"), srun.join("\n"), { mode: 0o755 });
    const RUN = join(here, "a run");
    const submit = (epochs: number) => {
      const small = { sampler: { steps: 2 }, train: { epochs, promptsPerEpoch: 2, groupSize: 2 }, checkpoint: { every: 1 }, measure: { steps: 2, samples: 2 } }; // biome-ignore format: one thought
      const json = JSON.parse(readFileSync(join(cluster, "ddpo.json"), "utf8"));
      const CONFIG = join(here, "small.json");
      writeFileSync(CONFIG, JSON.stringify(mergeConfig(json, small)));
      const env = { ...process.env, ...rankEnvironment, PATH: `${bin}:${process.env.PATH}`, NODE: process.execPath, PROGRAM: fileURLToPath(program), CONFIG, RUN }; // biome-ignore format: one thought
      return spawnSync("bash", [join(cluster, "etalon.sbatch")], { encoding: "utf8", env });
    };
    try {
      for (const epochs of [1, 2]) {
        const { status, stderr } = submit(epochs);
        expect(status, stderr).toBe(0);
        expect(stderr.match(/^2 ranks on 1 machine$/gm)).toHaveLength(1);
        const lines = readFileSync(join(RUN, "metrics.jsonl"), "utf8").trim().split("\n");
        expect([...new Set(lines.map((line) => JSON.parse(line).epoch))]).toEqual([1, 2].slice(0, epochs));
      }
      expect(readdirSync(join(RUN, "checkpoints"))).toEqual(["000001", "000002"]);
    } finally {
      rmSync(program, { force: true });
    }
  });

  test("the MPIJob has v2beta1's fields, as many ranks as slots, and a command that the command line takes", async () => {
    const job = parse(readFileSync(join(cluster, "mpijob.yaml"), "utf8"));
    expect(job).toMatchObject({ apiVersion: "kubeflow.org/v2beta1", kind: "MPIJob" });
    const { spec } = job;
    expect(wrongFields(job)).toEqual([]);
    const misspelt = { ...job, spec: { ...spec, slotsPerWorkers: 4, runPolicy: { cleanPodPolicy: "Some", backoffLimit: "2" } } }; // biome-ignore format: one thought
    expect(wrongFields(misspelt)).toEqual(["spec.runPolicy.cleanPodPolicy", "spec.runPolicy.backoffLimit", "spec.slotsPerWorkers"]); // biome-ignore format: a list
    expect(Object.keys(spec.mpiReplicaSpecs)).toEqual(["Launcher", "Worker"]);
    const { Launcher, Worker } = spec.mpiReplicaSpecs;
    const [launcher] = Launcher.template.spec.containers;
    const [worker] = Worker.template.spec.containers;
    expect(worker.image).toBe(launcher.image);
    expect(worker.command).toEqual(["/usr/sbin/sshd"]);
    const mounts = Worker.template.spec.volumes.map(({ name }: { name: string }) => name);
    expect(worker.volumeMounts).toEqual([{ name: mounts[0], mountPath: "/runs" }]);
    const command: string[] = [...launcher.command, ...launcher.args];
    expect(command.every((part) => typeof part === "string")).toBe(true);
    const ranks = Number(command[command.indexOf("-n") + 1]);
    expect(ranks).toBe(Worker.replicas * spec.slotsPerWorker);
    const { train } = await takes(command);
    expect(train.promptsPerEpoch % ranks).toBe(0);
    expect(command.slice(-2)).toEqual(["-o", "/runs/cluster"]);
    // The ranks have time to save between the pod's SIGTERM and its end.
    const patience = Number(command[command.indexOf("odls_base_sigkill_timeout") + 1]);
    expect(2 * patience).toBeLessThan(Launcher.template.spec.terminationGracePeriodSeconds);
  });

  test("the plan: bytes an update by ranks, of the published models' sizes", async () => {
    const { plan } = (await import(join(cluster, "plan.js") as string)) as { plan(args: string[]): Promise<string> };
    const { plans } = JSON.parse(await plan(["--json", "--ranks", "1,2,8", "--link", "20:0.1"]));
    const [, , adapter, all] = plans;
    // 797,184: an adapter of rank 4 on the attention of diffusers' UNet2DConditionModel; 859,520,964: its num_parameters()
    expect([adapter.trained, all.trained]).toEqual([797_184, 859_520_964]);
    // 2 (N − 1)/N of the gradient's bytes; a little more, since the shortest arrays go to each of the others whole.
    const shares = all.rows.map(({ bytes }: { bytes: number }) => bytes / (4 * 859_520_964));
    expect(shares).toBeAllclose([0, 1, 7 / 4], { rtol: 5e-4 });
    expect(plans.flatMap(({ rows }: { rows: { efficiency: { epoch: number } }[] }) => rows.map(({ efficiency }) => efficiency.epoch)).every((share: number) => share > 0 && share < 1 + 1e-12)).toBe(true); // biome-ignore format: one thought
    const readme = readFileSync(join(cluster, "README.md"), "utf8");
    expect(readme).toContain(await plan([])); // the tables are what it prints
  });
});
