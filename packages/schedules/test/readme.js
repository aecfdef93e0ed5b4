import { pathFromDiffusers, rectifiedFlow, stableDiffusion15, timeGrid, vp } from "@etalon/schedules";

const flow = rectifiedFlow();
console.log(flow.at(0.25)); // x_t = alpha·x0 + sigma·ε
console.log(timeGrid(flow, 4, { shift: 3 })); // noise → data
console.log(
  timeGrid(flow, 4, { fluxTokens: 1024 })
    .map((t) => t.toFixed(4))
    .join(" "),
); // FLUX at 512×512

const sd = stableDiffusion15({ prediction: "v" });
console.log(timeGrid(sd, 5), sd.prediction); // training timesteps; −1 is the end of the path

const same = pathFromDiffusers({
  _class_name: "PNDMScheduler",
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  beta_end: 0.012,
});
console.log(same.at(500).logSnr === sd.at(500).logSnr);

try {
  vp().at(1.5);
} catch (error) {
  console.log(String(error));
}
