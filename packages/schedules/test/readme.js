import { edm, pathFromDiffusers, rectifiedFlow, stableDiffusion15, timeGrid, vp } from "@etalon/schedules";

const show = (times) => console.log(times.map((t) => Number(t.toFixed(4))).join(" "));

const flow = rectifiedFlow();
console.log(flow.at(0.25)); // x_t = alpha·x0 + sigma·ε
show(timeGrid(flow, 4, { shift: 3 })); // noise → data
show(timeGrid(flow, 4, { fluxTokens: 1024 })); // FLUX at 512×512

const sd = stableDiffusion15({ prediction: "v" });
show(timeGrid(sd, 5)); // training timesteps; −1 is the end of the path
show(timeGrid(sd, 10, { spacing: "ays" })); // Align Your Steps
show(timeGrid(edm(), 6)); // a time of EDM's path is σ; Karras' grid is its own

// A scheduler_config.json gives path and grid in one.
const sdxl = pathFromDiffusers({
  _class_name: "EulerDiscreteScheduler",
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  beta_end: 0.012,
  timestep_spacing: "leading",
  steps_offset: 1,
  use_karras_sigmas: true,
});
show(timeGrid(sdxl, 5).map((t) => sdxl.at(t).sigma));

try {
  vp().at(1.5);
} catch (error) {
  console.log(String(error));
}
