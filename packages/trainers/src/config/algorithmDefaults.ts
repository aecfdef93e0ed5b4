import type { Algorithm, TrainConfigInput } from "./TrainConfig.ts";

/**
 * Where the algorithms differ from the general defaults; settings are the papers' own, for large models. They are configurations of one loop.
 * Left out of the papers: several rewards by their own weights (use a mix).
 */
export const algorithmDefaults: Readonly<Record<Algorithm, TrainConfigInput>> = {
  // Black et al., arXiv:2305.13301, and kvablack/ddpo-pytorch: config/base.py
  ddpo: { train: { advantage: "per-prompt", clip: 1e-4 } },
  // Li et al., arXiv:2507.21802
  mixgrpo: {
    sampler: { eta: 0.7, steps: 25, shift: 3, rule: "flow-sde", sharedNoise: true, window: {} },
    train: { advantage: "group", groupSize: 12, clip: 1e-4, learningRate: 1e-5 },
  },
  // Liu et al., arXiv:2505.05470
  "flow-grpo": {
    sampler: { eta: 0.7, steps: 10, rule: "flow-sde" },
    train: {
      advantage: "group",
      groupSize: 24,
      clip: 1e-4,
      learningRate: 3e-4,
      kl: 0.04,
      lora: { rank: 32, alpha: 64 },
    },
  },
  // Xue et al., arXiv:2505.07818, and XueZeyue/DanceGRPO: scripts/finetune/finetune_flux_grpo.sh
  "dance-grpo": {
    sampler: { eta: 0.3, steps: 16, shift: 3, rule: "dance-sde", sharedNoise: true },
    train: {
      advantage: "group",
      groupSize: 12,
      clip: 1e-4,
      learningRate: 1e-5,
      timestepFraction: 0.6,
      stepChoice: "each",
      updatesPerEpoch: 4,
    },
  },
};
