import { firstNotFinite, peek, type Variable } from "@etalon/engine";
import { EtalonError } from "@etalon/errors";

/**
 * The error of weights that an update has blown up: what followed would be drawn from noise, and saved. Undefined: all are finite.
 * @param newest  of the checkpoints, called where there is an error
 */
export async function blownUp(
  variables: ReadonlyMap<string, Variable>,
  learningRate: number,
  newest: () => Promise<string | undefined>,
): Promise<EtalonError | undefined> {
  for (const [name, variable] of variables) {
    const values = peek(variable);
    const at = firstNotFinite("F32", values);
    if (at < 0) continue;
    const value = values[at];
    const saved = await newest();
    const rest = saved === undefined ? "No checkpoint was saved" : `The newest checkpoint is ${saved}`;
    return new EtalonError("NOT_FINITE", {
      argument: `${name}[${at}]`,
      value,
      allowed: "finite weights",
      hint: `An update has blown them up. ${rest}. Begin a run with train.learningRate below ${learningRate}.`,
    });
  }
  return undefined;
}
