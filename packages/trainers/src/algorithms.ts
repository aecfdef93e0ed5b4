import { parseTrainConfig } from "./config/parseTrainConfig.ts";
import type { Algorithm, TrainConfigInput } from "./config/TrainConfig.ts";
import { openRun, type RunOptions } from "./openRun.ts";
import type { OpenTrainer, Trainer } from "./Trainer.ts";

/** A config whose algorithm is given by the function that takes it. */
export type AlgorithmConfig = Omit<TrainConfigInput, "algorithm">;

const algorithm =
  (name: Algorithm) =>
  (config: AlgorithmConfig = {}, options: Omit<RunOptions, "config"> = {}): Trainer => {
    const full = parseTrainConfig({ ...config, algorithm: name });
    let opened: Promise<OpenTrainer> | undefined;
    const open = () => {
      opened ??= openRun({ ...options, config: full });
      return opened;
    };
    return {
      config: full,
      runDir: options.out,
      async *[Symbol.asyncIterator]() {
        yield* await open();
      },
      save: async () => (await open()).save(),
      close: async () => (await opened)?.close(),
    };
  };

/**
 * DDPO: PPO's clipped objective on the denoising steps, advantages by running statistics of each prompt. Black et al., arXiv:2305.13301.
 * The models are loaded at the first iteration.   @throws EtalonError BAD_CONFIG
 */
export const ddpo = algorithm("ddpo");

/** MixGRPO: group-relative advantages, noise and gradients only in a moving window of an ODE trajectory. Li et al., arXiv:2507.21802. */
export const mixGrpo = algorithm("mixgrpo");

/** Flow-GRPO: group-relative advantages, Flow-SDE noise on every step, a KL term. Liu et al., arXiv:2505.05470. */
export const flowGrpo = algorithm("flow-grpo");

/** DanceGRPO: group-relative advantages, Dance-SDE noise of constant level, one initial noise a group. Xue et al., arXiv:2505.07818. */
export const danceGrpo = algorithm("dance-grpo");
