// The official fal client against reel-sandbox: REEL_SANDBOX names the program.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, createPublicKey, verify } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { ApiError, createFalClient, ValidationError } from "@fal-ai/client";

const endpoint = "fal-ai/minimax/hailuo-02/standard/text-to-video";
const key = "check:secret";
const hosts = ["queue.fal.run", "rest.fal.ai", "rest.alpha.fal.ai"];
let server;
let base;
let fal;

function redirect(request) {
  const url = new URL(request.url);
  // The sandbox has one address for both hosts; the direct calls are told apart by their path.
  if (url.host === "fal.run") return { ...request, url: base + "/fal.run" + url.pathname };
  if (!hosts.includes(url.host)) return request;
  return { ...request, url: base + url.pathname + url.search };
}

async function ledger() {
  return (await fetch(`${base}/_sandbox/ledger`)).json();
}

before(async () => {
  server = spawn(
    process.env.REEL_SANDBOX,
    ["--listen", "127.0.0.1:0", "--seed", "7", "--key", key, "--speed", "4"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const lines = createInterface({ input: server.stdout });
  base = await new Promise((resolve, reject) => {
    lines.once("line", resolve);
    server.once("exit", (code) => reject(new Error(`reel-sandbox ended with ${code}`)));
  });
  fal = createFalClient({
    credentials: key,
    requestMiddleware: async (request) => redirect(request),
  });
});

after(async () => {
  const ended = new Promise((resolve) => server.once("exit", (code) => resolve(code)));
  server.kill("SIGTERM");
  assert.equal(await ended, 0, "SIGTERM ends the sandbox cleanly");
});

test("subscribe follows a job from the queue to a playable file", async () => {
  const seen = new Set();
  const result = await fal.subscribe(endpoint, {
    input: { prompt: "waves at dusk" },
    logs: true,
    pollInterval: 50,
    onQueueUpdate: (update) => seen.add(update.status),
  });
  assert.ok(seen.has("COMPLETED"));
  assert.equal(result.data.video.content_type, "video/mp4");
  assert.ok(result.requestId);
  const file = await fetch(result.data.video.url);
  const bytes = Buffer.from(await file.arrayBuffer());
  assert.equal(bytes.length, result.data.video.file_size);
  assert.equal(bytes.toString("latin1", 4, 8), "ftyp");
});

test("submit, status with logs, result", async () => {
  const submitted = await fal.queue.submit(endpoint, { input: { prompt: "a river" } });
  assert.equal(submitted.status, "IN_QUEUE");
  const requestId = submitted.request_id;
  let status;
  do {
    status = await fal.queue.status(endpoint, { requestId, logs: true });
  } while (status.status !== "COMPLETED");
  assert.equal(status.logs.length, 10);
  assert.equal(status.logs[0].level, "INFO");
  assert.equal(typeof status.metrics.inference_time, "number");
  const result = await fal.queue.result(endpoint, { requestId });
  assert.equal(result.requestId, requestId);
  assert.ok(result.data.video.url.startsWith(base));
});

test("streamStatus yields every stage and ends with COMPLETED", async () => {
  const { request_id: requestId } = await fal.queue.submit(endpoint, { input: { prompt: "snow" } });
  const stream = await fal.queue.streamStatus(endpoint, { requestId, logs: true });
  const stages = [];
  for await (const status of stream) {
    if (stages.at(-1) !== status.status) stages.push(status.status);
  }
  assert.deepEqual(stages, ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]);
  assert.equal((await stream.done()).status, "COMPLETED");
});

test("subscribe in streaming mode completes as well", async () => {
  const result = await fal.subscribe(endpoint, {
    input: { prompt: "fog" },
    mode: "streaming",
  });
  assert.ok(result.data.video.url);
});

test("cancel takes a job out; asking for it too early and too late is a 400", async () => {
  const { request_id: requestId } = await fal.queue.submit(endpoint, {
    input: { prompt: "[sandbox:slow] glaciers" },
  });
  await assert.rejects(fal.queue.result(endpoint, { requestId }), (error) => error.status === 400);
  await fal.queue.cancel(endpoint, { requestId });
  const status = await fal.queue.status(endpoint, { requestId });
  assert.equal(status.status, "COMPLETED");
  await assert.rejects(fal.queue.result(endpoint, { requestId }), (error) => error.status === 499);
  await assert.rejects(fal.queue.cancel(endpoint, { requestId }), (error) => error.status === 400);
});

test("an upload comes back byte by byte", async () => {
  const bytes = Buffer.from([137, 80, 78, 71, 0, 255, 1, 2]);
  const url = await fal.storage.upload(new File([bytes], "still life.png", { type: "image/png" }));
  assert.ok(url.startsWith(base));
  const answer = await fetch(url);
  assert.equal(answer.headers.get("content-type"), "image/png");
  assert.deepEqual(Buffer.from(await answer.arrayBuffer()), bytes);
});

test("a large upload goes in parts and is one file again", async () => {
  const bytes = Buffer.alloc(95 * 1024 * 1024, "sound and picture ");
  const url = await fal.storage.upload(new File([bytes], "long.mp4", { type: "video/mp4" }));
  const { uploads } = await (await fetch(`${base}/_sandbox/uploads`)).json();
  const large = uploads.filter((upload) => upload.name === "long.mp4");
  assert.equal(large.length, 1);
  assert.ok(url.includes(large[0].id));
  assert.equal(large[0].parts, 10);
  assert.equal(large[0].bytes, bytes.length);
  assert.equal(large[0].sha256, createHash("sha256").update(bytes).digest("hex"));
});

test("a job that names an upload which is not there is told so", async () => {
  const input = { prompt: "waves", image_url: `${base}/files/u/nobody/a.png` };
  await assert.rejects(fal.subscribe(endpoint, { input, pollInterval: 50 }), (error) => {
    assert.equal(error.fieldErrors[0].type, "file_download_error");
    return true;
  });
});

test("the direct call gives the result itself", async () => {
  const result = await fal.run(endpoint, { input: { prompt: "a pier in fog" } });
  assert.equal(result.data.video.content_type, "video/mp4");
  assert.ok(result.requestId);
  await assert.rejects(fal.run(endpoint, { input: {} }), ValidationError);
});

test("a refused prompt and a missing one are ValidationErrors", async () => {
  for (const [input, type] of [
    [{ prompt: "[sandbox:content_policy]" }, "content_policy_violation"],
    [{ image_url: "https://example.com/a.png" }, "missing"],
  ]) {
    await assert.rejects(fal.subscribe(endpoint, { input, pollInterval: 50 }), (error) => {
      assert.ok(error instanceof ValidationError);
      assert.equal(error.status, 422);
      assert.equal(error.fieldErrors[0].type, type);
      return true;
    });
  }
});

test("a wrong key is an ApiError 401 and nothing is accepted", async () => {
  const before = (await ledger()).accepted.length;
  const stranger = createFalClient({
    credentials: "wrong:key",
    requestMiddleware: async (request) => redirect(request),
  });
  await assert.rejects(stranger.queue.submit(endpoint, { input: { prompt: "x" } }), (error) => {
    assert.ok(error instanceof ApiError);
    assert.equal(error.status, 401);
    return true;
  });
  assert.equal((await ledger()).accepted.length, before);
});

test("the proxy form of the client works on any path", async () => {
  const proxied = createFalClient({
    credentials: key,
    proxyUrl: { url: `${base}/api/fal/proxy`, when: "always" },
  });
  const result = await proxied.subscribe(endpoint, {
    input: { prompt: "through a proxy" },
    pollInterval: 50,
  });
  assert.ok(result.data.video.url);
});

test("a lost answer makes the client post again, and the ledger shows both", async () => {
  const before = await ledger();
  const prompt = "[sandbox:lost_answer] twice";
  const submitted = await fal.queue.submit(endpoint, { input: { prompt } });
  const now = await ledger();
  const mine = now.accepted.filter((entry) => entry.input.prompt === prompt);
  assert.equal(mine.length, 2);
  assert.equal(mine[1].request_id, submitted.request_id);
  assert.equal(now.posts, before.posts + 2);
});

async function verifies(headers, body) {
  const [id, user, timestamp, signature] = ["request-id", "user-id", "timestamp", "signature"].map(
    (name) => headers[`x-fal-webhook-${name}`],
  );
  const digest = createHash("sha256").update(body).digest("hex");
  const message = Buffer.from([id, user, timestamp, digest].join("\n"));
  const { keys } = await (await fetch(`${base}/.well-known/jwks.json`)).json();
  return keys.some((key) =>
    verify(null, message, createPublicKey({ key, format: "jwk" }), Buffer.from(signature, "hex")),
  );
}

test("a webhook is posted, signed, and tried again after a refusal", async () => {
  const deliveries = [];
  let accepted;
  const done = new Promise((resolve) => (accepted = resolve));
  const receiver = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    deliveries.push({ headers: request.headers, body: Buffer.concat(chunks), url: request.url });
    response.writeHead(deliveries.length === 1 ? 503 : 200).end();
    if (deliveries.length === 2) accepted();
  });
  await new Promise((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const webhookUrl = `http://127.0.0.1:${receiver.address().port}/hooks/fal/0123?a=b`;
  const submitted = await fal.queue.submit(endpoint, { input: { prompt: "rain" }, webhookUrl });
  await done;
  receiver.close();
  for (const { headers, body, url } of deliveries) {
    assert.equal(url, "/hooks/fal/0123?a=b");
    assert.ok(await verifies(headers, body));
    const told = JSON.parse(body);
    assert.equal(told.request_id, submitted.request_id);
    assert.equal(told.status, "OK");
    assert.ok(told.payload.video.url);
  }
});
