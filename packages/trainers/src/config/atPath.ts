import { EtalonError } from "@etalon/errors";

/** Where an argument comes from: its path in the config; or that with the value that stands there, where the function was given another. */
type Place = string | readonly [path: string, value: unknown];

/**
 * Does what takes values of a config: an error on one of them is told by its path there, as `sampler.start` for `start`.
 * @param places  by the argument's name; of one item of a list (`eta[3]`) by the list's
 */
export function atPath<T>(places: Readonly<Record<string, Place>>, act: () => T): T {
  const tell = (error: unknown): never => {
    throw told(error, places);
  };
  try {
    const result = act();
    return result instanceof Promise ? (result.catch(tell) as T) : result;
  } catch (error) {
    return tell(error);
  }
}

function told(error: unknown, places: Readonly<Record<string, Place>>): unknown {
  if (!EtalonError.is(error)) return error;
  const { code, detail, message } = error;
  const place = detail.argument && places[detail.argument.replace(/\[.*/, "")];
  if (!place) return error;
  const [argument, value] = typeof place === "string" ? [place, detail.value] : place;
  const isPlain = message === new EtalonError(code, detail).message;
  const made = new EtalonError(code, { ...detail, argument, value });
  return isPlain ? made : new EtalonError(code, made.detail, { message: `${argument}: ${message}`, cause: error });
}
