import { execFileSync } from "node:child_process";
import { arch, cpus, platform, totalmem } from "node:os";
import { engine } from "@etalon/engine";
import { loadPipeline, promptLists } from "@etalon/models";
import { attempts, backend } from "@etalon/native";
import { mpiLibrary, ncclLibrary } from "@etalon/native/mpi";
import { loadReward, rewardNames } from "@etalon/rewards";
import { Command } from "commander";
import { describeEngine, type Finding } from "../describeEngine.ts";
import { print, printJson } from "../output.ts";

/** `etalon doctor`: what runs here, and what to do about what does not. */
export function doctorCommand(): Command {
  return new Command("doctor")
    .description("look at engine, native library, CUDA, MPI, NCCL, weights, and say what to do")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  $ etalon doctor")
    .action(async ({ json }: { json?: boolean }) => {
      const findings = await examine();
      if (json) printJson({ findings });
      else
        print(
          ...findings.flatMap(({ ok, what, found, more = [], advice }) => [
            `${ok ? "ok  " : "--  "}${what.padEnd(16)} ${found}`,
            ...[...more, ...(advice ? [advice] : [])].map((line) => `    ${"".padEnd(16)} ${line}`),
          ]),
        );
    });
}

async function examine(): Promise<Finding[]> {
  const { name, threads, available } = backend();
  const native = {
    what: "native",
    ok: name !== "portable",
    found: `${name}, ${threads} thread${threads === 1 ? "" : "s"}; available: ${available.join(", ")}`,
  };
  const tried = attempts()
    .map(({ source, outcome }) => `${source}: ${outcome}`)
    .join("; ");
  const runs = await engineFinding(native.ok);
  return [
    {
      what: "machine",
      ok: true,
      found: `${platform()} ${arch()}, ${cpus().length} processors, ${(totalmem() / 2 ** 30).toFixed(1)} GiB, Node ${process.versions.node}`,
    },
    native.ok
      ? native
      : {
          ...native,
          advice:
            process.env.ETALON_BINARY === "portable"
              ? "ETALON_BINARY=portable leaves the native library out."
              : `The native library was not loaded (${tried}). With CMake and a C++20 compiler: npx etalon-native build`,
        },
    runs,
    command("nvcc", ["--version"], "CUDA compiler", "Only needed to build the CUDA kernels."),
    command("nvidia-smi", ["-L"], "GPU", "Training runs on the processor without one."),
    mpi(),
    nccl(),
    ...(runs.ok
      ? [await weights("tiny", () => loadPipeline("tiny")), await weights("tiny-clip", () => loadReward("tiny-clip"))]
      : []), // without an engine nothing loads, and says no more than that
    { what: "prompts", ok: true, found: promptLists().join(", ") },
    {
      what: "rewards",
      ok: true,
      found: rewardNames()
        .map((reward) => reward.name)
        .join(", "),
    },
  ];
}

async function engineFinding(addon: boolean): Promise<Finding> {
  try {
    return describeEngine(await engine(), addon);
  } catch (error) {
    return { what: "engine", ok: false, found: error instanceof Error ? error.message : String(error) };
  }
}

/** The addon, and the launcher beside it. */
function mpi(): Finding {
  const launcher = command("mpirun", ["--version"], "mpirun", "");
  try {
    const found = `${mpiLibrary()}; ${launcher.ok ? launcher.found : "no mpirun in PATH"}`;
    const advice = launcher.ok ? undefined : "mpirun of the same MPI starts the ranks; under Slurm srun does.";
    return { what: "MPI", ok: launcher.ok, found, advice };
  } catch (error) {
    const found = `no addon; ${launcher.ok ? launcher.found : "no mpirun in PATH"}`;
    const advice = `Only needed to train by several processes. ${error instanceof Error ? error.message : error}`;
    return { what: "MPI", ok: false, found, advice };
  }
}

/** Whether NCCL may carry the ranks' long messages. */
function nccl(): Finding {
  try {
    return { what: "NCCL", ok: true, found: `${ncclLibrary()}; carries long messages where ETALON_TRANSPORT is nccl` };
  } catch (error) {
    const advice = `Only needed to send between GPUs. ${error instanceof Error ? error.message : error}`;
    return { what: "NCCL", ok: false, found: "not available", advice };
  }
}

function command(file: string, args: string[], what: string, advice: string): Finding {
  try {
    const lines = execFileSync(file, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
      .trim()
      .split("\n");
    return { what, ok: true, found: lines.find((line) => /release|GPU|\d\.\d/.test(line)) ?? lines[0] };
  } catch {
    return { what, ok: false, found: `${file} is not found`, advice };
  }
}

async function weights(what: string, load: () => Promise<unknown>): Promise<Finding> {
  try {
    const loaded = (await load()) as { dispose?: () => void };
    loaded.dispose?.();
    return { what, ok: true, found: "its weights load" };
  } catch (error) {
    return {
      what,
      ok: false,
      found: error instanceof Error ? error.message : String(error),
      advice: "npm install again: the package carries them.",
    };
  }
}
