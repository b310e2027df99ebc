// Runs one step with the official TypeScript client and prints what came of it as JSON.
// Arguments: step, base address, key, and what the step takes.
import { createReadStream } from "node:fs";
import { SyncClient, SyncError } from "@sync.so/sdk";

const [step, baseUrl, apiKey, ...rest] = process.argv.slice(2);
const sync = new SyncClient({ baseUrl, apiKey });
const inputs = (video, audio) => [
  { type: "video", assetId: video },
  { type: "audio", assetId: audio },
];

const steps = {
  files: (video, audio) =>
    sync.generations.createWithFiles(createReadStream(video), createReadStream(audio), {
      model: "lipsync-2",
      options: { sync_mode: "loop", temperature: 0.8 },
    }),
  fileAndInput: (video, audio) =>
    sync.generations.createWithFiles(createReadStream(video), undefined, {
      model: "lipsync-2",
      input: [{ type: "audio", assetId: audio }],
    }),
  create: (video, audio) =>
    sync.generations.create({ model: "lipsync-2", input: inputs(video, audio), options: { sync_mode: "cut_off" } }),
  cost: (video, audio) => sync.generations.estimateCost({ model: "lipsync-2", input: inputs(video, audio) }),
  get: (id) => sync.generations.get(id),
  list: (...ids) => sync.generations.list({ status: ["COMPLETED", "FAILED"], ids }),
  assets: () => sync.assets.list({ limit: 10, types: ["VIDEO", "AUDIO"], sortBy: "dateDesc" }),
  asset: (id) => sync.assets.get(id),
  models: () => sync.models.list(),
  batchCreate: (file, dryRun) => sync.batch.create(createReadStream(file), { dry_run: dryRun === "true" }),
  batchGet: (id) => sync.batch.get(id),
  batchList: (status, createdAfter) => sync.batch.list({ status, created_after: createdAfter }),
  refusals,
};

const told = (error) => ({ refused: error.constructor.name, status: error.statusCode, body: error.body });

// Every method that the client has, each with the least it takes; gives how each was refused.
async function refusals(file, id) {
  const once = { maxRetries: 0 };
  const wish = { model: "lipsync-2", input: inputs(id, id) };
  const first = {
    "generations.create": [wish, once],
    "generations.createWithFiles": [createReadStream(file), createReadStream(file), { model: "lipsync-2" }, once],
    "generations.estimateCost": [wish, once],
    "batch.create": [createReadStream(file), {}, once],
  };
  const rows = [];
  for (const room of ["generations", "batch", "assets", "models"]) {
    const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(sync[room]));
    for (const method of methods.filter((name) => !name.startsWith("_") && name !== "constructor")) {
      const call = `${room}.${method}`;
      const taken = first[call] ?? [method === "get" ? id : {}, once];
      const refused = await sync[room][method](...(room === "models" ? [once] : taken)).then(() => null, told);
      rows.push({ call, ...refused });
    }
  }
  return rows;
}

try {
  console.log(JSON.stringify({ gave: await steps[step](...rest) }));
} catch (error) {
  if (!(error instanceof SyncError)) throw error;
  console.log(JSON.stringify(told(error)));
}
