import { check } from "@etalon/errors";
import type { MpiBinding, RawRanks } from "./MpiBinding.ts";

/** Says on stderr for which ranks this one waits, where it has waited long: every so many seconds, of one wait. @returns what ends it */
export function watchWaiting(binding: MpiBinding, { rank, hosts }: RawRanks): () => void {
  const patience = check.range("ETALON_MPI_PATIENCE", Number(process.env.ETALON_MPI_PATIENCE || 60), { above: 0 });
  let told = 0;
  const look = () => {
    const { seconds, what, ranks } = binding.waiting();
    if (seconds < patience) told = 0;
    if (seconds < told + patience || ranks.length === 0) return;
    told = seconds;
    const names = ranks.map((other) => `rank ${other} on ${hosts[other]}`).join(", ");
    process.stderr.write(`etalon: rank ${rank} has waited ${Math.round(seconds)} s in ${what} for ${names}\n`);
  };
  const timer = setInterval(look, Math.min(1000 * patience, 5000));
  timer.unref();
  return () => clearInterval(timer);
}
