import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import "@etalon/testkit";
import { etalon } from "./inProcess.ts";

const repository = resolve(import.meta.dirname, "../../..");
const cluster = join(repository, "examples/cluster");
const here = mkdtempSync(join(tmpdir(), "etalon-cluster-"));
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

  test("the MPIJob has v2beta1's fields, as many ranks as slots, and a command that the command line takes", async () => {
    const job = parse(readFileSync(join(cluster, "mpijob.yaml"), "utf8"));
    expect(job).toMatchObject({ apiVersion: "kubeflow.org/v2beta1", kind: "MPIJob" });
    const { spec } = job;
    const known = ["slotsPerWorker", "runLauncherAsWorker", "runPolicy", "mpiReplicaSpecs", "sshAuthMountPath", "launcherCreationPolicy", "mpiImplementation", "managedBy"]; // biome-ignore format: a list
    expect(Object.keys(spec).filter((name) => !known.includes(name))).toEqual([]);
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
